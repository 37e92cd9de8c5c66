"""Flow refinement in plain PyTorch: its definition, and the pyramid that all backends share."""

from collections.abc import Callable, Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

#: The moves of a level, in order: 0 is a Gauss-Newton step; n > 0 tries the motions of the four
#: neighbours n pixels away. The finest level, which costs most, only has steps.
COARSE_MOVES, FINEST_MOVES = (0, 8, 0, 4, 0), (0, 0)
NEIGHBOURS = ((0, -1), (0, 1), (-1, 0), (1, 0))  # their directions: rows and columns
PRODUCTS = 5  # of gradients and differences, from which least squares computes a step
MAX_STEP = 1.0  # pixels of a level
ACCEPT_RATIO = 0.9999  # of the residual: a candidate must be better by more than rounding
RADIUS = 2  # of each of the two box filters that form a window
ROBUST_SCALE = 0.02  # difference in colour, of [0, 1], beyond which residuals count less
REGULARISATION = 1e-5  # squared gradient below which a window does not determine the motion

#: A level's refinement: frame0, frame1, flow, initial shift, moves -> shift, both warped frames.
RefineLevel = Callable[[Tensor, Tensor, Tensor, Tensor, Sequence[int]], tuple[Tensor, Tensor]]


def refine_flow_reference(
    frame0: Tensor, frame1: Tensor, flow: Tensor, levels: int
) -> tuple[Tensor, Tensor]:
    """Compute :func:`cdfi.ops.refine_flow` on any device."""
    return coarse_to_fine(refine_level, frame0, frame1, flow, levels)


def coarse_to_fine(
    refine_level: RefineLevel, frame0: Tensor, frame1: Tensor, flow: Tensor, levels: int
) -> tuple[Tensor, Tensor]:
    """Run ``refine_level`` over a pyramid; return the refined flow and both warped frames."""
    dtype = torch.promote_types(flow.dtype, torch.float32)
    with torch.no_grad():
        pyramid = [[x.to(dtype) for x in (frame0, frame1, flow)]]
        for _ in range(levels - 1):
            small0, small1, small_flow = (F.avg_pool2d(x, 2) for x in pyramid[-1])
            pyramid.append([small0, small1, small_flow / 2])
        shift = torch.zeros_like(pyramid[-1][2][:, :2])
        for level in reversed(range(levels)):
            moves = COARSE_MOVES if level else FINEST_MOVES
            small0, small1, small_flow = pyramid[level]
            shift, sides = refine_level(small0, small1, small_flow, shift, moves)
            if level:
                shift = upsample_flow(shift)
    return flow.to(dtype) + torch.cat((-shift, shift), 1), sides


def upsample_flow(flow: Tensor) -> Tensor:
    """Resize a flow (N, C, H, W) to twice its size, in pixels of the new size."""
    return 2 * F.interpolate(flow, scale_factor=2, mode="bilinear", align_corners=False)


def refine_level(
    frame0: Tensor, frame1: Tensor, flow: Tensor, start: Tensor, moves: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """Refine one level of the pyramid.

    Each pixel begins with the shift of the coarser level or with none, whichever has the smaller
    residual: a coarse window with two motions may have misled one of them.

    Args:
        frame0: (N, C, H, W).
        frame1: (N, C, H, W).
        flow: (N, 4, H, W), in pixels of the level.
        start: (N, 2, H, W), the shift from the coarser level.
        moves: as in :data:`COARSE_MOVES`.

    Returns:
        The shift (N, 2, H, W), and both frames warped by flow and shift (N, 2 * C, H, W).
    """

    def evaluate(shift: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return both frames warped with ``shift``, and the residual of each window."""
        side0, side1 = _warp(frame0, flow[:, :2] - shift), _warp(frame1, flow[:, 2:] + shift)
        return side0, side1, window_mean((side1 - side0).square().mean(1, keepdim=True))

    def candidates() -> Iterator[Tensor]:
        """Yield the shifts to try, each computed from the current one."""
        yield start
        for move in moves:
            if not move:
                yield shift + _step(side0, side1)
            for rows, columns in NEIGHBOURS if move else ():
                yield _neighbour_shift(flow, shift, move * rows, move * columns)

    shift = torch.zeros_like(start)
    side0, side1, error = evaluate(shift)
    for candidate in candidates():
        new0, new1, new_error = evaluate(candidate)
        better = new_error < ACCEPT_RATIO * error
        shift = torch.where(better, candidate, shift)
        side0, side1 = torch.where(better, new0, side0), torch.where(better, new1, side1)
        error = torch.where(better, new_error, error)
    return shift, torch.cat((side0, side1), 1)


def _neighbour_shift(flow: Tensor, shift: Tensor, rows: int, columns: int) -> Tensor:
    """Return the shift that gives each pixel the motion of the one ``rows``, ``columns`` away."""
    height, width = shift.shape[2:]
    half_motion = (flow[:, 2:] - flow[:, :2]) / 2  # half of the motion from frame 0 to frame 1
    i = (torch.arange(height, device=flow.device) + rows).clamp(0, height - 1)
    j = (torch.arange(width, device=flow.device) + columns).clamp(0, width - 1)
    return (half_motion + shift)[:, :, i[:, None], j] - half_motion


def _warp(frame: Tensor, flow: Tensor) -> Tensor:
    """Sample ``frame`` (N, C, H, W) bilinearly at each pixel plus ``flow`` (N, 2, H, W)."""
    height, width = frame.shape[2:]
    rows = torch.arange(height, dtype=flow.dtype, device=flow.device)[:, None] + flow[:, 0]
    columns = torch.arange(width, dtype=flow.dtype, device=flow.device) + flow[:, 1]
    # The coordinates of grid_sample go from -1, the middle of the first pixel, to 1.
    grid = torch.stack(
        (columns * (2 / max(width - 1, 1)) - 1, rows * (2 / max(height - 1, 1)) - 1), -1
    )
    return F.grid_sample(frame, grid, padding_mode="border", align_corners=True)


def _step(side0: Tensor, side1: Tensor) -> Tensor:
    """Return the Gauss-Newton step: the least-squares shift of each window for linear sides.

    A shift s changes ``side1 - side0`` to ``side1 - side0 + 2 * s * gradient``.
    """
    difference = side1 - side0
    bordered = F.pad((side0 + side1) / 2, (1, 1, 1, 1), mode="replicate")
    down = (bordered[:, :, 2:, 1:-1] - bordered[:, :, :-2, 1:-1]) / 2
    right = (bordered[:, :, 1:-1, 2:] - bordered[:, :, 1:-1, :-2]) / 2
    robust = torch.rsqrt(difference.square().mean(1, keepdim=True) + ROBUST_SCALE**2)
    robust = ROBUST_SCALE * robust
    pairs = ((down, down), (down, right), (right, right), (down, difference), (right, difference))
    products = torch.cat([robust * (a * b).mean(1, keepdim=True) for a, b in pairs], 1)
    yy, yx, xx, yd, xd = window_mean(products).chunk(PRODUCTS, 1)
    yy, xx = yy + REGULARISATION, xx + REGULARISATION
    step = torch.cat((yx * xd - xx * yd, yx * yd - yy * xd), 1) / (2 * (yy * xx - yx * yx))
    limited: Tensor = step * (MAX_STEP / step.norm(dim=1, keepdim=True).clamp(min=MAX_STEP))
    return limited


def window_mean(x: Tensor) -> Tensor:
    """Return the mean around each pixel, weighted by two box filters per axis."""
    side = 2 * RADIUS + 1
    x = F.pad(x, [2 * RADIUS] * 4, mode="replicate")
    for size in ((side, 1), (1, side)) * 2:
        x = F.avg_pool2d(x, size, 1)
    return x

"""Registration: what a flow misses, found from the frames themselves."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from cdfi.ops.common.backends import has_kernel, kernels

#: What a level tries, in this order: a Gauss-Newton step (0), or the motions of the four neighbours
#: so many cells away. The finest level, which costs most, is left the steps.
COARSE, FINEST = (0, 8, 0, 4, 0), (0, 0)
AROUND = ((0, -1), (0, 1), (-1, 0), (1, 0))  # rows and columns from a place to its neighbours
PRODUCTS = 5  # of gradients and differences, that the least squares of a step are made of
LONGEST = 1.0  # cells a step may move
BETTER = 0.9999  # of a window's difference; one that is rounded otherwise is no better
RADIUS = 2  # of each of the two box filters that make a window
FAINT = 0.02  # differences in colour, of [0, 1], up to which all count alike; larger count less
FLAT = 1e-5  # squared gradient below which a window says nothing about motion


def refine_flow(frame0: Tensor, frame1: Tensor, flow: Tensor, levels: int) -> tuple[Tensor, Tensor]:
    """``flow``, moved so that the two frames it leads to look alike in a window about each place.

    Symmetric Lucas-Kanade, coarse to fine (Lucas and Kanade, IJCAI 1981; Bouguet's pyramids, 2001):
    one shift s for each place p of the middle frame, taken off its way to frame 0 and added to its
    way to frame 1, so that ``frame0[p + flow0 - s]`` comes to equal ``frame1[p + flow1 + s]``.
    Large differences count less (iteratively reweighted least squares). Steps end at the next best
    place, so between them each place also tries the motions that its neighbours found, near and far
    (Barnes et al., "PatchMatch", SIGGRAPH 2009). Each of these, and what coarser levels found, is
    kept only where its window differs less with it.

    Args:
        frame0, frame1: (N, C, H, W) in [0, 1].
        flow: (N, 4, H, W) in pixels of these frames: row and column of the way from the middle
            frame to frame 0, then to frame 1.
        levels: of the pyramid, at least 1; H and W are multiples of ``2 ** (levels - 1)``.

    Returns:
        The refined flow, (N, 4, H, W); and both frames bilinearly sampled where it leads, clamped
        to their borders: (N, 2 * C, H, W), frame 0 first. Both in at least float32. The gradient of
        the first is taken to be 1 for ``flow`` (the shift counts as a constant) and 0 for the
        frames; the second has none.

    Raises:
        ValueError: shapes that do not fit together, mixed devices, or levels they do not have.
    """
    _check(frame0, frame1, flow, levels)
    refined: tuple[Tensor, Tensor] = _refine_flow(frame0, frame1, flow, levels)
    return refined


def refine_flow_reference(
    frame0: Tensor, frame1: Tensor, flow: Tensor, levels: int
) -> tuple[Tensor, Tensor]:
    """:func:`refine_flow` in plain PyTorch, on any device: its definition, without gradients."""
    return _coarse_to_fine(_improve, frame0, frame1, flow, levels)


def _check(frame0: Tensor, frame1: Tensor, flow: Tensor, levels: int) -> None:
    if frame0.dim() != 4 or frame0.shape != frame1.shape:
        shapes = [tuple(x.shape) for x in (frame0, frame1)]
        raise ValueError(f"expected two frames of one shape (N, C, H, W), got {shapes}")
    batch, _, height, width = frame0.shape
    if flow.shape != (batch, 4, height, width):
        raise ValueError(
            f"expected a flow of shape {(batch, 4, height, width)}, got {tuple(flow.shape)}"
        )
    if not frame0.device == frame1.device == flow.device:
        raise ValueError("expected frames and flow on one device: move them with .to(device)")
    if levels < 1 or height % 2 ** (levels - 1) or width % 2 ** (levels - 1):
        raise ValueError(
            f"frames of {width} x {height} have no {levels} levels: pad them to a multiple of "
            "2 ** (levels - 1)"
        )


@torch.library.custom_op("cdfi::refine_flow", mutates_args=())
def _refine_flow(
    frame0: Tensor, frame1: Tensor, flow: Tensor, levels: int
) -> tuple[Tensor, Tensor]:
    improve = _improve
    if has_kernel(frame0) and has_kernel(frame1) and has_kernel(flow):
        improve = kernels(frame0.device, "refine_flow").improve
    return _coarse_to_fine(improve, frame0, frame1, flow, levels)


@torch.no_grad()
def _coarse_to_fine(
    improve: Callable[[Tensor, Tensor, Tensor, Tensor, Sequence[int]], tuple[Tensor, Tensor]],
    frame0: Tensor,
    frame1: Tensor,
    flow: Tensor,
    levels: int,
) -> tuple[Tensor, Tensor]:
    """The refined flow and where it leads; ``improve`` does a level, as :func:`_improve`."""
    dtype = torch.promote_types(flow.dtype, torch.float32)
    pyramid = [[x.to(dtype) for x in (frame0, frame1, flow)]]
    for _ in range(levels - 1):
        small0, small1, way = (F.avg_pool2d(x, 2) for x in pyramid[-1])
        pyramid.append([small0, small1, way / 2])
    shift = torch.zeros_like(pyramid[-1][2][:, :2])
    for level in reversed(range(levels)):
        small0, small1, way = pyramid[level]
        shift, sides = improve(small0, small1, way, shift, COARSE if level else FINEST)
        if level:
            shift = enlarged(shift)
    return pyramid[0][2] + torch.cat((-shift, shift), 1), sides


def enlarged(flow: Tensor) -> Tensor:
    """A motion (N, C, H, W) at half of a frame's size as one of the whole frame, in its pixels."""
    return 2 * F.interpolate(flow, scale_factor=2, mode="bilinear", align_corners=False)


def _improve(
    frame0: Tensor, frame1: Tensor, flow: Tensor, start: Tensor, moves: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """The shift after the ``moves`` of one level, in its pixels, and both frames where it leads.

    It begins, place by place, with what came from coarser levels or with no shift at all, whatever
    looks more alike: a coarse window that two motions share may have led one of them astray.
    """

    def sampled(shift: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Both frames where ``shift`` leads, and how much their windows differ."""
        side0, side1 = _warp(frame0, flow[:, :2] - shift), _warp(frame1, flow[:, 2:] + shift)
        return side0, side1, _window((side1 - side0).square().mean(1, keepdim=True))

    def proposals() -> Iterator[Tensor]:
        """Each of them from what was kept of those before."""
        yield start
        for move in moves:
            if not move:
                yield shift + _step(side0, side1)
            for rows, columns in AROUND if move else ():
                yield _neighbours(flow, shift, move * rows, move * columns)

    shift = torch.zeros_like(start)
    side0, side1, error = sampled(shift)
    for proposed in proposals():
        new0, new1, new_error = sampled(proposed)
        better = new_error < BETTER * error
        shift = torch.where(better, proposed, shift)
        side0, side1 = torch.where(better, new0, side0), torch.where(better, new1, side1)
        error = torch.where(better, new_error, error)
    return shift, torch.cat((side0, side1), 1)


def _neighbours(flow: Tensor, shift: Tensor, rows: int, columns: int) -> Tensor:
    """The shift that gives each place the motion of the place so far away (or at the border)."""
    height, width = shift.shape[2:]
    own = (flow[:, 2:] - flow[:, :2]) / 2  # half of the way from frame 0 to frame 1
    i = (torch.arange(height, device=flow.device) + rows).clamp(0, height - 1)
    j = (torch.arange(width, device=flow.device) + columns).clamp(0, width - 1)
    return (own + shift)[:, :, i[:, None], j] - own


def _warp(frame: Tensor, flow: Tensor) -> Tensor:
    """``frame`` (N, C, H, W) sampled bilinearly at each place plus ``flow`` (N, 2, H, W)."""
    height, width = frame.shape[2:]
    rows = torch.arange(height, dtype=flow.dtype, device=flow.device)[:, None] + flow[:, 0]
    columns = torch.arange(width, dtype=flow.dtype, device=flow.device) + flow[:, 1]
    # grid_sample counts from -1, the middle of the first pixel, to 1
    places = torch.stack(
        (columns * (2 / max(width - 1, 1)) - 1, rows * (2 / max(height - 1, 1)) - 1), -1
    )
    return F.grid_sample(frame, places, padding_mode="border", align_corners=True)


def _step(side0: Tensor, side1: Tensor) -> Tensor:
    """The shift that makes both sides equal if they change linearly: least squares a window.

    A shift s turns ``side1 - side0`` into ``side1 - side0 + 2 * s * gradient``.
    """
    difference = side1 - side0
    edged = F.pad((side0 + side1) / 2, (1, 1, 1, 1), mode="replicate")
    down = (edged[:, :, 2:, 1:-1] - edged[:, :, :-2, 1:-1]) / 2
    right = (edged[:, :, 1:-1, 2:] - edged[:, :, 1:-1, :-2]) / 2
    trust = FAINT * torch.rsqrt(difference.square().mean(1, keepdim=True) + FAINT**2)
    pairs = ((down, down), (down, right), (right, right), (down, difference), (right, difference))
    products = torch.cat([trust * (a * b).mean(1, keepdim=True) for a, b in pairs], 1)
    yy, yx, xx, yd, xd = _window(products).chunk(PRODUCTS, 1)
    yy, xx = yy + FLAT, xx + FLAT
    step = torch.cat((yx * xd - xx * yd, yx * yd - yy * xd), 1) / (2 * (yy * xx - yx * yx))
    limited: Tensor = step * (LONGEST / step.norm(dim=1, keepdim=True).clamp(min=LONGEST))
    return limited


def _window(x: Tensor) -> Tensor:
    """The mean around each place, nearer ones weighing more: two box filters, an axis at a time."""
    side = 2 * RADIUS + 1
    x = F.pad(x, [2 * RADIUS] * 4, mode="replicate")
    for size in ((side, 1), (1, side)) * 2:
        x = F.avg_pool2d(x, size, 1)
    return x


@_refine_flow.register_fake
def _fake(frame0: Tensor, frame1: Tensor, flow: Tensor, levels: int) -> tuple[Tensor, Tensor]:
    dtype = torch.promote_types(flow.dtype, torch.float32)
    batch, channels, height, width = frame0.shape
    sides = flow.new_empty((batch, 2 * channels, height, width), dtype=dtype)
    return flow.new_empty(flow.shape, dtype=dtype), sides


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    ctx.dtype = inputs[2].dtype
    ctx.mark_non_differentiable(output[1])


def _backward(ctx: Any, grad: Tensor, _: Tensor) -> tuple[None, None, Tensor, None]:
    return None, None, grad.to(ctx.dtype), None


_refine_flow.register_autograd(_backward, setup_context=_setup_context)

"""What bilinear sampling loses: the fine bands of a frame where a motion leads."""

import importlib
from typing import Any

import torch
from torch import Tensor

SHARPNESS = -0.5  # of the cubic kernel: third order (Keys, equation 15)
BANDS = 2
AROUND = (-1, 0, 1, 2)  # pixels of an axis that are read about a place, from the one before it


def details(frame: Tensor, flow: Tensor, top: int = 0) -> Tensor:
    """Two bands of ``frame`` at each place plus ``flow``: what sampling lost, and what is fine.

    Bilinear sampling between pixels blurs, and a weighted mean of such samples, which AdaCoF is,
    can only blur further: its weights are positive. The first band is what cubic convolution gives
    (Keys, "Cubic Convolution Interpolation for Digital Image Processing", IEEE TASSP 1981, equation
    15) less what bilinear sampling does: nothing at whole pixels, most half-way between. The second
    is what bilinear sampling gives less the same of the frame after the 3 x 3 binomial filter.
    Added to a sample in some amount, they sharpen it; in a negative amount, they smooth it.

    Args:
        frame: (N, C, H + 2 * b, W + 2 * b), with a border of b >= 0 pixels.
        flow: (N, 2, h, W) in pixels: rows and columns, for rows ``top`` to ``top + h`` of H.
        top: the frame's row that ``flow`` begins with.

    Returns:
        (N, 2 * C, h, W), the first band before the second, in at least float32; channels-last in
        memory on a CPU. Places beyond the image are its edge's. They count as constants: there is
        no gradient.

    Raises:
        ValueError: shapes that do not fit together, rows that the frame does not have, or mixed
            devices.
    """
    _check(frame, flow, top)
    bands: Tensor = _details(frame, flow, top)
    return bands


@torch.no_grad()
def details_reference(frame: Tensor, flow: Tensor, top: int = 0) -> Tensor:
    """:func:`details` in plain PyTorch, on any device: its definition."""
    dtype = torch.promote_types(flow.dtype, torch.float32)
    frame, flow = frame.to(dtype), flow.to(dtype)
    height, width = frame.shape[2:]
    border = (width - flow.shape[3]) // 2
    rows, columns = (
        torch.arange(size, dtype=dtype, device=flow.device) + border for size in flow.shape[2:]
    )
    y, down = _split(top + rows[:, None] + flow[:, 0], height - 1)
    x, right = _split(columns + flow[:, 1], width - 1)
    pixels = frame.flatten(2)
    kernels = _kernels(down), _kernels(right)
    sums = [torch.zeros_like(flow[:, :1]).expand(-1, frame.shape[1], -1, -1) for _ in range(3)]
    for i, row in enumerate(AROUND):
        for j, column in enumerate(AROUND):
            place = (y + row).clamp(0, height - 1) * width + (x + column).clamp(0, width - 1)
            index = place.flatten(1)[:, None].expand(-1, frame.shape[1], -1)
            read = pixels.gather(2, index).view(*frame.shape[:2], *flow.shape[2:])
            for k, (vertical, horizontal) in enumerate(zip(*kernels)):
                sums[k] = sums[k] + (vertical[i] * horizontal[j])[:, None] * read
    cubic, linear, smooth = sums
    return torch.cat((cubic - linear, linear - smooth), 1)


def _split(at: Tensor, last: int) -> tuple[Tensor, Tensor]:
    """The pixel before a place clamped to 0 ... last, and how far beyond it the place is."""
    at = at.clamp(0, last).nan_to_num(0)
    first = at.floor()
    return first.long(), at - first


def _kernels(share: Tensor) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """Weights of the four pixels about a place: cubic, linear, and linear of what is smoothed."""
    a, none = SHARPNESS, torch.zeros_like(share)
    cubic = []
    for pixel in AROUND:
        d = (share - pixel).abs()
        near, far = ((a + 2) * d - (a + 3)) * d * d + 1, a * (((d - 5) * d + 8) * d - 4)
        cubic.append(near if pixel in (0, 1) else far)
    smooth = [(1 - share) / 4, (2 - share) / 4, (1 + share) / 4, share / 4]
    return cubic, [none, 1 - share, share, none], smooth


def _check(frame: Tensor, flow: Tensor, top: int) -> None:
    if frame.dim() != 4 or flow.dim() != 4:
        shapes = [tuple(x.shape) for x in (frame, flow)]
        raise ValueError(f"expected a frame (N, C, H, W) and a flow (N, 2, h, W), got {shapes}")
    rows, columns = flow.shape[2:]
    border = (frame.shape[3] - columns) // 2
    if flow.shape[:2] != (len(frame), 2) or frame.shape[3] != columns + 2 * border or border < 0:
        raise ValueError(
            f"expected a flow of shape {(len(frame), 2, 'h', 'W')} for a frame that is wider by "
            f"its border at both ends, got {tuple(flow.shape)} for {tuple(frame.shape)}"
        )
    height = frame.shape[2] - 2 * border
    if top < 0 or top + rows > height:
        raise ValueError(f"rows {top} to {top + rows} are not all of a frame of {height}")
    if frame.device != flow.device:
        raise ValueError("expected frame and flow on one device: move them with .to(device)")


@torch.library.custom_op("cdfi::details", mutates_args=())
def _details(frame: Tensor, flow: Tensor, top: int) -> Tensor:
    make = details_reference
    if frame.device.type == "cpu":  # imported late, as its compiler takes a while to load
        make = importlib.import_module("cdfi.ops.details_cpu").details
    return make(frame, flow, top)


@_details.register_fake
def _fake(frame: Tensor, flow: Tensor, top: int) -> Tensor:
    dtype = torch.promote_types(flow.dtype, torch.float32)
    batch, channels = frame.shape[:2]
    shape = (batch, BANDS * channels, *flow.shape[2:])
    layout = torch.channels_last if flow.device.type == "cpu" else torch.contiguous_format
    return flow.new_empty(shape, dtype=dtype).contiguous(memory_format=layout)


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.mark_non_differentiable(output)


def _backward(ctx: Any, grad: Tensor) -> tuple[None, None, None]:
    return None, None, None


_details.register_autograd(_backward, setup_context=_setup_context)

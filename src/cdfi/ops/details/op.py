"""What bilinear sampling loses: the fine bands of a frame where a motion leads."""

from typing import Any

import torch
from torch import Tensor

from cdfi.ops.common.backends import has_kernel, kernels

SHARPNESS = -0.5  # of the cubic kernel: third order (Keys, equation 15)
BANDS = 2
AROUND = (-1, 0, 1, 2)  # pixels of an axis that are read about a place, from the one before it


def details(frame: Tensor, flow: Tensor, gains: Tensor, top: int = 0) -> Tensor:
    """What to add to bilinear samples of ``frame``: its fine bands, in the amounts of ``gains``.

    Bilinear sampling between pixels blurs, and a weighted mean of such samples, which AdaCoF is,
    can only blur further: its weights are positive. See :func:`detail_bands` for what is added.

    Args:
        frame: (N, C, H + 2 * b, W + 2 * b), with a border of b >= 0 pixels.
        flow: (N, 2, h, W) in pixels: rows and columns, for rows ``top`` to ``top + h`` of H.
        gains: (N, 2, h, W), one for each band.
        top: the frame's row that ``flow`` and ``gains`` begin with.

    Returns:
        (N, C, h, W) in at least float32; channels-last in memory on a CPU. The gains have a
        gradient; frame and flow count as constants.

    Raises:
        ValueError: shapes that do not fit together, rows that the frame does not have, or mixed
            devices.
    """
    _check(frame, flow, top)
    if gains.shape != flow.shape or gains.device != flow.device:
        raise ValueError(
            f"expected gains of shape {tuple(flow.shape)} on the device of the flow, got "
            f"{tuple(gains.shape)} on {gains.device}"
        )
    total: Tensor = _details(frame, flow, gains, top)
    return total


def detail_bands(frame: Tensor, flow: Tensor, top: int = 0) -> Tensor:
    """Two bands of ``frame`` at each place plus ``flow``: what sampling lost, and what is fine.

    The first is what cubic convolution gives (Keys, "Cubic Convolution Interpolation for Digital
    Image Processing", IEEE TASSP 1981, equation 15) less what bilinear sampling does: nothing at
    whole pixels, most half-way between. The second is what bilinear sampling gives less the same of
    the frame after the 3 x 3 binomial filter. Added to a sample in some amount, they sharpen it; in
    a negative amount, they smooth it.

    Args:
        frame, flow, top: as of :func:`details`.

    Returns:
        (N, 2 * C, h, W), the first band before the second, in at least float32; channels-last in
        memory on a CPU. Places beyond the image are its edge's. There is no gradient.

    Raises:
        ValueError: as :func:`details`.
    """
    _check(frame, flow, top)
    with torch.no_grad():
        one, none = torch.ones_like(flow[:, :1]), torch.zeros_like(flow[:, :1])
        gains = torch.cat((one, none), 1), torch.cat((none, one), 1)
        return torch.cat([_details(frame, flow, gain, top) for gain in gains], 1)


@torch.no_grad()
def detail_bands_reference(frame: Tensor, flow: Tensor, top: int = 0) -> Tensor:
    """:func:`detail_bands` in plain PyTorch, on any device: its definition."""
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


def _weighed(bands: Tensor, gains: Tensor) -> Tensor:
    """The sum of both bands (N, 2 * C, h, W), each times its gain (N, 2, h, W): (N, C, h, W)."""
    return sum(band * gain for band, gain in zip(bands.chunk(BANDS, 1), gains.split(1, 1)))  # type: ignore


@torch.library.custom_op("cdfi::details", mutates_args=())
def _details(frame: Tensor, flow: Tensor, gains: Tensor, top: int) -> Tensor:
    if has_kernel(frame) and has_kernel(flow):
        total: Tensor = kernels(frame.device, "details").details(frame, flow, gains, top)
        return total
    bands = detail_bands_reference(frame, flow, top)
    return _weighed(bands, gains.to(bands.dtype))


@_details.register_fake
def _fake(frame: Tensor, flow: Tensor, gains: Tensor, top: int) -> Tensor:
    dtype = torch.promote_types(flow.dtype, torch.float32)
    layout = torch.channels_last if flow.device.type == "cpu" else torch.contiguous_format
    shape = (flow.shape[0], frame.shape[1], *flow.shape[2:])
    return flow.new_empty(shape, dtype=dtype).contiguous(memory_format=layout)


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    frame, flow, gains, top = inputs
    ctx.save_for_backward(frame, flow)
    ctx.top, ctx.dtype = top, gains.dtype


def _backward(ctx: Any, grad: Tensor) -> tuple[None, None, Tensor, None]:
    frame, flow = ctx.saved_tensors
    bands = detail_bands(frame, flow, ctx.top)
    of_gains = [(grad * band).sum(1, keepdim=True) for band in bands.chunk(BANDS, 1)]
    return None, None, torch.cat(of_gains, 1).to(ctx.dtype), None


_details.register_autograd(_backward, setup_context=_setup_context)

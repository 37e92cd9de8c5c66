"""The detail bands in plain PyTorch: their definition."""

import torch
from torch import Tensor

SHARPNESS = -0.5  # of the cubic kernel: third order (Keys, equation 15)
BANDS = 2
NEIGHBOURS = (-1, 0, 1, 2)  # pixels of an axis that are read, from the one before the position


def details_reference(frame: Tensor, flow: Tensor, band_weights: Tensor, top: int = 0) -> Tensor:
    """Compute :func:`cdfi.ops.details` on any device."""
    bands = detail_bands_reference(frame, flow, top)
    first, second = bands.chunk(BANDS, 1)
    band_weights = band_weights.to(bands.dtype)
    return first * band_weights[:, :1] + second * band_weights[:, 1:]


@torch.no_grad()
def detail_bands_reference(frame: Tensor, flow: Tensor, top: int = 0) -> Tensor:
    """Compute :func:`cdfi.ops.detail_bands` on any device."""
    dtype = torch.promote_types(flow.dtype, torch.float32)
    frame, flow = frame.to(dtype), flow.to(dtype)
    height, width = frame.shape[2:]
    border = (width - flow.shape[3]) // 2
    rows, columns = (
        torch.arange(size, dtype=dtype, device=flow.device) + border for size in flow.shape[2:]
    )
    y, fraction_y = _split(top + rows[:, None] + flow[:, 0], height - 1)
    x, fraction_x = _split(columns + flow[:, 1], width - 1)
    pixels = frame.flatten(2)
    kernels = _kernels(fraction_y), _kernels(fraction_x)
    sums = [torch.zeros_like(flow[:, :1]).expand(-1, frame.shape[1], -1, -1) for _ in range(3)]
    for i, row in enumerate(NEIGHBOURS):
        for j, column in enumerate(NEIGHBOURS):
            index = (y + row).clamp(0, height - 1) * width + (x + column).clamp(0, width - 1)
            index = index.flatten(1)[:, None].expand(-1, frame.shape[1], -1)
            values = pixels.gather(2, index).view(*frame.shape[:2], *flow.shape[2:])
            for k, (vertical, horizontal) in enumerate(zip(*kernels)):
                sums[k] = sums[k] + (vertical[i] * horizontal[j])[:, None] * values
    cubic, linear, smooth = sums
    return torch.cat((cubic - linear, linear - smooth), 1)


def _split(position: Tensor, last: int) -> tuple[Tensor, Tensor]:
    """Split positions, clamped to 0 ... last, into an integer and a fraction; NaN becomes 0."""
    position = position.clamp(0, last).nan_to_num(0)
    first = position.floor()
    return first.long(), position - first


def _kernels(fraction: Tensor) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """Return weights of four pixels: cubic, linear, and linear after the binomial filter."""
    a, zero = SHARPNESS, torch.zeros_like(fraction)
    cubic = []
    for pixel in NEIGHBOURS:
        d = (fraction - pixel).abs()
        inner, outer = ((a + 2) * d - (a + 3)) * d * d + 1, a * (((d - 5) * d + 8) * d - 4)
        cubic.append(inner if pixel in (0, 1) else outer)
    smooth = [(1 - fraction) / 4, (2 - fraction) / 4, (1 + fraction) / 4, fraction / 4]
    return cubic, [zero, 1 - fraction, fraction, zero], smooth

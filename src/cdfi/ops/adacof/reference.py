"""AdaCoF in plain differentiable PyTorch: the definition that every kernel is tested against."""

import math

import torch
from torch import Tensor


def adacof_reference(
    input: Tensor,
    weight: Tensor,
    offset_y: Tensor,
    offset_x: Tensor,
    *,
    row: int = 0,
    dilation: int = 1,
    rounding: str = "floor",
) -> Tensor:
    """Sum K x K bilinear samples around every pixel, each with its own weight and offset.

    Arguments and result are those of :func:`cdfi.ops.adacof_rows`, on any device. Half precision is
    computed in float32 and rounded once at the end. Source: AdaCoF (Lee et al., CVPR 2020),
    equations 4 and 5.
    """
    kernel = math.isqrt(weight.shape[1])
    compute = torch.promote_types(input.dtype, torch.float32)
    height, width = weight.shape[2:]
    rows = torch.arange(row, row + height, device=input.device).view(1, height, 1)
    columns = torch.arange(width, device=input.device).view(1, 1, width)
    image = input.to(compute)
    result = image.new_zeros(input.shape[0], input.shape[1], height, width)
    for tap in range(kernel * kernel):
        tap_row, tap_column = tap // kernel * dilation, tap % kernel * dilation
        y = _locate(offset_y[:, tap].to(compute), rows + tap_row, input.shape[2], rounding)
        x = _locate(offset_x[:, tap].to(compute), columns + tap_column, input.shape[3], rounding)
        result = result + weight[:, tap : tap + 1].to(compute) * _bilinear(image, y, x)
    return result.to(input.dtype)


def tap_softmax(logits: Tensor) -> Tensor:
    """Return the softmax over the taps (dim 1), in at least float32.

    In half precision the weights would not sum to 1: sums of 0.999 would darken the frame.

    Args:
        logits: (N, K*K, H, W). If it is channels-last in memory, the result is, too.
    """
    taps = logits.permute(0, 2, 3, 1)  # the layout of a convolution's result: no copy
    dtype = torch.promote_types(logits.dtype, torch.float32)
    return torch.softmax(taps, 3, dtype).permute(0, 3, 1, 2)


def _locate(
    offset: Tensor, origin: Tensor, size: int, rounding: str
) -> tuple[Tensor, Tensor, Tensor]:
    """Split ``origin + offset`` into two neighbours in [0, size) and the fraction between them.

    The integer origin is never added to the float offset, so that some rows of a frame equal the
    rows of the complete result bit for bit.
    """
    integer = offset.detach().trunc() if rounding == "trunc" else offset.detach().floor()
    # Beyond twice the frame every offset lands on the border; larger ones would overflow integers.
    steps = integer.clamp(-2 * size, 2 * size).long()
    first = (origin + steps).clamp(0, size - 1)
    second = (origin + steps + 1).clamp(0, size - 1)
    return first, second, (offset - integer).unsqueeze(1)


def _bilinear(
    image: Tensor, y: tuple[Tensor, Tensor, Tensor], x: tuple[Tensor, Tensor, Tensor]
) -> Tensor:
    """Interpolate between the four neighbours of each position; (N, C, H, W)."""
    (top, bottom, fraction_y), (left, right, fraction_x) = y, x
    upper = _gather(image, top, left) * (1 - fraction_x) + _gather(image, top, right) * fraction_x
    lower = _gather(image, bottom, left) * (1 - fraction_x)
    lower = lower + _gather(image, bottom, right) * fraction_x
    return upper * (1 - fraction_y) + lower * fraction_y


def _gather(image: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """Read ``image`` (N, C, H', W') at the integer positions ``y``, ``x`` (N, H, W)."""
    batch, channels, _, width = image.shape
    index = (y * width + x).flatten(1).unsqueeze(1).expand(-1, channels, -1)
    return image.flatten(2).gather(2, index).view(batch, channels, *y.shape[1:])

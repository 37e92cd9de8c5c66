"""AdaCoF in plain differentiable PyTorch: the definition every kernel is tested against."""

import math

import torch
from torch import Tensor


def adacof_reference(
    input: Tensor,
    weight: Tensor,
    offset_y: Tensor,
    offset_x: Tensor,
    dilation: int = 1,
    rounding: str = "floor",
    row: int = 0,
) -> Tensor:
    """Sum K x K bilinear samples around every pixel, each with its own weight and offset.

    Arguments and result are those of :func:`cdfi.ops.adacof`, on any device; ``row`` is that of
    :func:`cdfi.ops.adacof_strip`. Half precision is computed in float32 and rounded once at the
    end. Source: AdaCoF (Lee et al., CVPR 2020), equations 4 and 5.
    """
    kernel = math.isqrt(weight.shape[1])
    compute = torch.promote_types(input.dtype, torch.float32)
    height, width = weight.shape[2:]
    rows = torch.arange(row, row + height, device=input.device).view(1, height, 1)
    columns = torch.arange(width, device=input.device).view(1, 1, width)
    image = input.to(compute)
    result = image.new_zeros(input.shape[0], input.shape[1], height, width)
    for tap in range(kernel * kernel):
        down, right = tap // kernel * dilation, tap % kernel * dilation
        y = _locate(offset_y[:, tap].to(compute), rows + down, input.shape[2], rounding)
        x = _locate(offset_x[:, tap].to(compute), columns + right, input.shape[3], rounding)
        result = result + weight[:, tap : tap + 1].to(compute) * _bilinear(image, y, x)
    return result.to(input.dtype)


def _locate(
    offset: Tensor, origin: Tensor, size: int, rounding: str
) -> tuple[Tensor, Tensor, Tensor]:
    """Split ``origin + offset`` into two neighbours in [0, size) and the fraction between them.

    The integer origin never meets the float offset, so that a strip equals the whole bit for bit.
    """
    whole = offset.detach().trunc() if rounding == "trunc" else offset.detach().floor()
    # Beyond twice the frame every offset lands on the border; larger ones would overflow integers.
    steps = whole.clamp(-2 * size, 2 * size).long()
    near = (origin + steps).clamp(0, size - 1)
    far = (origin + steps + 1).clamp(0, size - 1)
    return near, far, (offset - whole).unsqueeze(1)


def _bilinear(
    image: Tensor, y: tuple[Tensor, Tensor, Tensor], x: tuple[Tensor, Tensor, Tensor]
) -> Tensor:
    """Blend the four neighbours of each position: (N, C, H, W) from ``image`` (N, C, H', W')."""
    (top, bottom, down), (left, right, across) = y, x
    upper = _gather(image, top, left) * (1 - across) + _gather(image, top, right) * across
    lower = _gather(image, bottom, left) * (1 - across) + _gather(image, bottom, right) * across
    return upper * (1 - down) + lower * down


def _gather(image: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """Read ``image`` (N, C, H', W') at the integer positions ``y``, ``x`` (N, H, W)."""
    batch, channels, _, width = image.shape
    index = (y * width + x).flatten(1).unsqueeze(1).expand(-1, channels, -1)
    return image.flatten(2).gather(2, index).view(batch, channels, *y.shape[1:])

"""Bilinear resizing of maps, and of some of their rows for inference, in PyTorch."""

import torch
import torch.nn.functional as F
from torch import Tensor

from cdfi.ops.common.backends import has_triton_kernel


def resize_rows(
    x: Tensor, start: int, rows: int, size: tuple[int, int], top: int, bottom: int
) -> Tensor:
    """Compute rows ``top`` to ``bottom`` of a bilinear resize with aligned corners.

    Output row i is at input row i * (rows - 1) / (height - 1). There is no gradient.

    Args:
        x: (N, C, h, w), the rows of the input that are needed.
        start: the input row that ``x`` begins with.
        rows: of the complete input, at least 2.
        size: height and width of the complete result, at least 2 each.
        top: first row of the result.
        bottom: the row after the last; rows outside the frame are zeros, like the padding of a
            convolution.

    Returns:
        (N, C, bottom - top, width), channels-last in memory.
    """
    if has_triton_kernel(x):
        from cdfi.ops.resize import triton

        return triton.resize_rows(x, start, rows, size, top, bottom)
    height, width = size
    first, end = max(top, 0), min(bottom, height)
    position = torch.arange(first, end, device=x.device, dtype=torch.float64)
    position = position * ((rows - 1) / (height - 1)) - start
    upper = position.long()
    fraction = (position - upper).to(x.dtype)[:, None, None]
    last = x.permute(0, 2, 3, 1)  # the layout in memory
    lower = (upper + 1).clamp_(max=last.shape[1] - 1)
    mixed = torch.lerp(last.index_select(1, upper), last.index_select(1, lower), fraction)
    wide = F.interpolate(
        mixed.permute(0, 3, 1, 2), (end - first, width), mode="bilinear", align_corners=True
    )
    missing = (first - top, bottom - end)
    return F.pad(wide, (0, 0, *missing)) if any(missing) else wide


def resize(x: Tensor, size: tuple[int, int], *, align_corners: bool) -> Tensor:
    """Resize bilinearly in the precision of ``x``.

    A GPU's autocast would compute it in float32, although its input and the next convolution have
    half precision. If gradients are disabled, our Triton kernel keeps half precision.

    Args:
        x: (N, C, h, w).
        size: rows and columns of the result.
        align_corners: as in ``F.interpolate``.

    Returns:
        (N, C, *size); channels-last in memory if the Triton kernel computes it.
    """
    if has_triton_kernel(x) and not torch.is_grad_enabled():
        from cdfi.ops.resize import triton

        return triton.resize_rows(x, 0, x.shape[2], size, 0, size[0], align_corners=align_corners)
    return F.interpolate(x, size, mode="bilinear", align_corners=align_corners)


def upsample2x(x: Tensor, *, align_corners: bool) -> Tensor:
    """Resize to twice the rows and columns with :func:`resize`."""
    return resize(x, (2 * x.shape[2], 2 * x.shape[3]), align_corners=align_corners)

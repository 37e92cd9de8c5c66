"""Bilinear enlargement: of maps, and of some of their rows."""

import torch
import torch.nn.functional as F
from torch import Tensor

from cdfi.ops.common.backends import has_kernel, kernels


def enlarged_rows(
    x: Tensor, start: int, rows: int, size: tuple[int, int], top: int, bottom: int
) -> Tensor:
    """Rows ``top`` to ``bottom`` of a bilinear enlargement with the corners aligned.

    Output row i lies at i * (rows - 1) / (height - 1). Inference only.

    Args:
        x: (N, C, h, w): those rows of the map that are needed.
        start: the map's row that ``x`` begins with.
        rows: of the whole map, at least 2.
        size: height and width of the whole result, at least 2 each.
        top, bottom: what is wanted; rows beyond the frame are zeros, as a convolution pads it.

    Returns:
        (N, C, bottom - top, width), channels-last in memory.
    """
    last = x.permute(0, 2, 3, 1)  # as it lies in memory
    if x.is_cuda and has_kernel(x):
        made: Tensor = kernels(x.device, "resize").enlarged_rows(
            last, start, rows, size, top, bottom
        )
        return made.permute(0, 3, 1, 2)
    height, width = size
    first, end = max(top, 0), min(bottom, height)
    place = torch.arange(first, end, device=x.device, dtype=torch.float64)
    place = place * ((rows - 1) / (height - 1)) - start
    upper = place.long()
    share = (place - upper).to(x.dtype)[:, None, None]
    lower = (upper + 1).clamp_(max=last.shape[1] - 1)
    mixed = torch.lerp(last.index_select(1, upper), last.index_select(1, lower), share)
    wide = F.interpolate(
        mixed.permute(0, 3, 1, 2), (end - first, width), mode="bilinear", align_corners=True
    )
    missing = (first - top, bottom - end)
    return F.pad(wide, (0, 0, *missing)) if any(missing) else wide


def resized(x: Tensor, size: tuple[int, int], corners: bool) -> Tensor:
    """Bilinear resizing in the precision of ``x``.

    A GPU's autocast would do it in float32, from numbers in half precision and for a convolution
    that wants such; for inference a kernel of ours does it there, whole pixels at a time.

    Args:
        x: (N, C, h, w).
        size: rows and columns of the result.
        corners: whether corners meet corners, or else edges edges: ``align_corners``.
    """
    if x.is_cuda and has_kernel(x) and not torch.is_grad_enabled():
        last, rows = x.permute(0, 2, 3, 1), x.shape[2]
        made: Tensor = kernels(x.device, "resize").enlarged_rows(
            last, 0, rows, size, 0, size[0], corners
        )
        return made.permute(0, 3, 1, 2)
    return F.interpolate(x, size, mode="bilinear", align_corners=corners)


def doubled(x: Tensor, corners: bool) -> Tensor:
    """:func:`resized` to twice the rows and columns."""
    return resized(x, (2 * x.shape[2], 2 * x.shape[3]), corners)

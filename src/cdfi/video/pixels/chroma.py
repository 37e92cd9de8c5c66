"""Chroma up- and downsampling by two, with the position of the chroma samples kept.

Upsampling is linear. Downsampling is its exact inverse (interior and borders), so that a picture
that passes through RGB unchanged keeps its chroma, and interpolated frames do not flicker against
source frames.
"""

from __future__ import annotations

import torch
from torch import Tensor

# Position of a chroma sample: whether it lies on the first of two luma samples (across, down).
COSITED = {
    "left": (True, False),
    "center": (False, False),
    "topleft": (True, True),
    "top": (False, True),
    "bottomleft": (True, False),
    "bottom": (False, False),
}


def upsample_chroma(planes: Tensor, dim: int, size: int, cosited: bool) -> Tensor:
    """Upsample ``planes`` linearly along ``dim``.

    Args:
        planes: samples, of any shape.
        dim: the dimension to upsample.
        size: of the result along ``dim``: twice as many, or one less.
        cosited: samples are at the even positions, otherwise midway between even and odd.
    """
    count = planes.shape[dim]
    after = _shifted(planes, dim, 1)
    if cosited:
        even, odd = planes, torch.lerp(planes, after, 0.5)
    else:
        even = torch.lerp(planes, _shifted(planes, dim, -1), 0.25)
        odd = torch.lerp(planes, after, 0.25)
    shape = list(planes.shape)
    shape[dim] = 2 * count
    both = torch.stack((even, odd), dim % planes.dim() + 1).view(shape)
    return both.narrow(dim, 0, size)


def downsample_chroma(planes: Tensor, dim: int, cosited: bool) -> Tensor:
    """Invert ``upsample_chroma``: take every second sample, or filter by (-1, 3, 3, -1) / 4."""
    size = planes.shape[dim]
    if size % 2:
        planes = torch.cat((planes, _beyond(planes, dim, size)), dim)
    even, odd = _every_second(planes, dim, 0), _every_second(planes, dim, 1)
    if cosited:
        return even
    inner = (even + odd).mul_(0.75)
    before = _shifted(odd, dim, -1, even.narrow(dim, 0, 1))
    last = odd.narrow(dim, odd.shape[dim] - 1, 1)
    return inner.sub_((before + _shifted(even, dim, 1, last)).mul_(0.25))


def _beyond(planes: Tensor, dim: int, size: int) -> Tensor:
    """Return the samples after the last ones, as ``upsample_chroma`` would have filled them."""
    last = planes.narrow(dim, size - 1, 1)
    if size == 1:
        return last
    return torch.lerp(planes.narrow(dim, size - 2, 1), last, 1.5)


def _every_second(planes: Tensor, dim: int, first: int) -> Tensor:
    index = [slice(None)] * planes.dim()
    index[dim] = slice(first, None, 2)
    return planes[tuple(index)]


def _shifted(planes: Tensor, dim: int, by: int, edge: Tensor | None = None) -> Tensor:
    """Return the next (``by`` 1) or previous (-1) samples; at the border ``edge``, or its own."""
    count = planes.shape[dim]
    if by > 0:
        border = planes.narrow(dim, count - 1, 1) if edge is None else edge
        return torch.cat((planes.narrow(dim, 1, count - 1), border), dim)
    border = planes.narrow(dim, 0, 1) if edge is None else edge
    return torch.cat((border, planes.narrow(dim, 0, count - 1)), dim)

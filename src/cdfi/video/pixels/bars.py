"""Black bars at the borders of a picture: letterbox and pillarbox."""

from __future__ import annotations

import torch
from torch import Tensor

BLACK = 0.02  # of the range; codec noise in bars stays below
WEIGHTS = (0.2126, 0.7152, 0.0722)  # BT.709
SMALLEST = 2  # rows or columns; a single dark line may belong to the picture


def black_bars(rgb0: Tensor, rgb1: Tensor) -> Tensor | None:
    """Return a mask (1, H, W) that is 1 where both pictures have a black bar, else 0.

    Args:
        rgb0: (3, H, W), RGB in [0, 1].
        rgb1: the same.

    Returns:
        None if there is no bar, or if both pictures are black.
    """
    if not _has_dark_border(rgb0, rgb1):
        return None
    dark = torch.maximum(_luma(rgb0), _luma(rgb1)) <= BLACK
    rows, columns = dark.all(1), dark.all(0)
    if bool(rows.all()) or not (bool(rows.any()) or bool(columns.any())):
        return None
    mask = torch.zeros_like(rgb0[:1])
    for bar in _bars(rows):
        mask[:, bar] = 1
    for bar in _bars(columns):
        mask[:, :, bar] = 1
    return mask if bool(mask.any()) else None


def _has_dark_border(rgb0: Tensor, rgb1: Tensor) -> bool:
    """Return whether one of the four outermost lines is black in both pictures."""
    for dim in (1, 2):
        for index in (0, rgb0.shape[dim] - 1):
            line0, line1 = rgb0.narrow(dim, index, 1), rgb1.narrow(dim, index, 1)
            if bool((torch.maximum(_luma(line0), _luma(line1)) <= BLACK).all()):
                return True
    return False


def _luma(rgb: Tensor) -> Tensor:
    """Return (H, W); chroma of the picture reaches into the bars where it is subsampled."""
    return torch.einsum("chw,c->hw", rgb, rgb.new_tensor(WEIGHTS))


def _bars(dark: Tensor) -> list[slice]:
    """Return the dark lines at both ends, where there are enough of them."""
    bright = torch.nonzero(~dark).flatten().tolist()
    ends = slice(0, bright[0]), slice(bright[-1] + 1, len(dark))
    return [bar for bar in ends if bar.stop - bar.start >= SMALLEST]

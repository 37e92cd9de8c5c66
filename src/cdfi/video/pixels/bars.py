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
        None if there is no bar, or nothing but black.
    """
    dark = torch.maximum(_luma(rgb0), _luma(rgb1)) <= BLACK
    rows, columns = dark.all(1), dark.all(0)
    if bool(rows.all()) or not (bool(rows.any()) or bool(columns.any())):
        return None
    mask = torch.zeros_like(rgb0[:1])
    for first, last, lines in (
        *_borders(rows, mask.transpose(1, 2)),
        *_borders(columns, mask),
    ):
        lines[..., first:last] = 1
    return mask if bool(mask.any()) else None


def _luma(rgb: Tensor) -> Tensor:
    """Return (H, W); chroma of the picture reaches into the bars where it is subsampled."""
    return torch.einsum("chw,c->hw", rgb, rgb.new_tensor(WEIGHTS))


def _borders(dark: Tensor, lines: Tensor) -> list[tuple[int, int, Tensor]]:
    """Return the dark lines at both ends, as ranges of the last dimension of ``lines``."""
    count = len(dark)
    bright = torch.nonzero(~dark).flatten().tolist()
    first, last = bright[0], bright[-1] + 1
    ends = [(0, first), (last, count)]
    return [(begin, end, lines) for begin, end in ends if end - begin >= SMALLEST]

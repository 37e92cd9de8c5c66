"""Degrade frames as cameras and codecs do: noise, and quantised blocks."""

import math
from functools import lru_cache

import torch
from torch import Tensor

from cdfi.common.multiples import round_up

_BLOCK = 8
_NOISE = (0.5 / 255, 8.0 / 255)  # standard deviation, log-uniform
_SCALE = (0.4, 4.0)  # factor of the quantisation tables, log-uniform: quality 80 to 12 of JPEG
_ADDENDS = 4  # uniform numbers in the sum that stands for a normal one
_MASK = 0xFFFFFFFF

# JPEG, ITU-T T.81, tables K.1 (luma) and K.2 (chroma), rows of the block
_LUMA = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
_CHROMA = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 8,) * 4,
)
_TO_YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))


def add_noise(frames: Tensor, u: Tensor, *, stream: int = 0) -> Tensor:
    """Return frames with about normal noise, independent for each value, clipped to [0, 1].

    Args:
        frames: (N, C, H, W) in [0, 1].
        u: (N,) in [0, 1), the only randomness: it gives the standard deviation, 0.5 to 8 levels of
            8 bits, and the noise itself.
        stream: other numbers give independent noise of the same standard deviation.
    """
    low, high = _NOISE
    deviation = low * torch.exp(u * math.log(high / low))
    seed = (u * 2**24).long() * 2654435761 + stream * 40503 + 1
    position = torch.arange(frames[0].numel(), device=frames.device)
    total = torch.zeros(len(frames), frames[0].numel(), device=frames.device)
    for addend in range(_ADDENDS):
        total += _hash(position + _hash(seed[:, None] + addend * 97)) / _MASK - 0.5
    normal = total.view_as(frames) * math.sqrt(12 / _ADDENDS)
    return (frames + normal * deviation[:, None, None, None]).clamp(0, 1)


def compress_blocks(frames: Tensor, u: Tensor) -> Tensor:
    """Return frames with quantised 8 x 8 blocks of the cosine transform, as JPEG has them.

    Args:
        frames: (N, 3, H, W) RGB in [0, 1].
        u: (N,) in [0, 1), the only randomness: it gives the factor of the quantisation tables, and
            the position of the grid of blocks.
    """
    low, high = _SCALE
    scale = low * torch.exp(u * math.log(high / low))
    shift = (u * 2**20).long()
    rows, rows_back = _placed(frames.shape[2], shift % _BLOCK)
    columns, columns_back = _placed(frames.shape[3], shift // _BLOCK % _BLOCK)
    quantised = _quantised(_gather(frames, rows, columns), scale)
    return _gather(quantised, rows_back, columns_back).clamp(0, 1)


def _placed(length: int, shift: Tensor) -> tuple[Tensor, Tensor]:
    """Return indices that move a line by ``shift`` into whole blocks, and those that undo it.

    Args:
        length: of the line.
        shift: (N,) 0 to 7.

    Returns:
        (N, P) indices into the line, with P a multiple of 8; its ends are repeated. And (N, length)
        indices into the result.
    """
    padded = round_up(length + _BLOCK - 1, _BLOCK)
    there = torch.arange(padded, device=shift.device) - shift[:, None]
    back = torch.arange(length, device=shift.device) + shift[:, None]
    return there.clamp(0, length - 1), back


def _gather(frames: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Return the pixels of (N, C, H, W) at rows (N, h) and columns (N, w)."""
    count, channels, _, width = frames.shape
    lines = frames.gather(2, rows[:, None, :, None].expand(count, channels, -1, width))
    return lines.gather(3, columns[:, None, None, :].expand(count, channels, rows.shape[1], -1))


def _quantised(frames: Tensor, scale: Tensor) -> Tensor:
    """Return RGB frames whose sides are multiples of 8, with quantised coefficients."""
    cosine, tables, to_ycc, to_rgb = _constants(frames.device)
    count, _, height, width = frames.shape
    ycc = torch.einsum("dc,nchw->ndhw", to_ycc, frames * 255)
    blocks = ycc.view(count, 3, height // _BLOCK, _BLOCK, width // _BLOCK, _BLOCK)
    coefficients = torch.einsum("ui,vj,ncyixj->ncyuxv", cosine, cosine, blocks)
    step = (tables * scale[:, None, None, None]).clamp(min=1)[:, :, None, :, None, :]
    coefficients = (coefficients / step).round() * step
    blocks = torch.einsum("ui,vj,ncyuxv->ncyixj", cosine, cosine, coefficients)
    ycc = blocks.reshape(count, 3, height, width)
    return torch.einsum("dc,nchw->ndhw", to_rgb, ycc) / 255


@lru_cache(maxsize=4)
def _constants(device: torch.device) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the cosine transform (8, 8), the tables (3, 8, 8), RGB to YCbCr and its inverse."""
    k = torch.arange(_BLOCK, dtype=torch.float64)
    cosine = torch.cos((2 * k + 1) * k[:, None] * math.pi / (2 * _BLOCK)) * math.sqrt(2 / _BLOCK)
    cosine[0] = math.sqrt(1 / _BLOCK)
    tables = torch.tensor((_LUMA, _CHROMA, _CHROMA)).float()
    to_ycc = torch.tensor(_TO_YCC)
    constants = (cosine.float(), tables, to_ycc, torch.linalg.inv(to_ycc))
    cosine, tables, to_ycc, to_rgb = (constant.to(device) for constant in constants)
    return cosine, tables, to_ycc, to_rgb


def _hash(x: Tensor) -> Tensor:
    """Return well-mixed 32-bit numbers of integers (the finaliser of MurmurHash3)."""
    x = x & _MASK
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        x = ((x ^ (x >> shift)) * factor) & _MASK
    return x ^ (x >> 16)

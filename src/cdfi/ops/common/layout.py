"""Memory layouts that kernels read and write."""

from collections.abc import Sequence

import torch
from torch import Tensor

from cdfi.common.multiples import round_up


def pad_channels(image: Tensor, multiple: int = 16) -> Tensor:
    """Return (N, C, H, W) as (N, H, W, lanes), with zeros in the lanes that are added.

    A pixel then consists of full vectors, so that no inner loop has a remainder.

    Args:
        image: (N, C, H, W), in any memory layout.
        multiple: lanes are a multiple of this; up to 4 channels get 4 lanes if it is 16.
    """
    channels = image.shape[1]
    lanes = 4 if channels <= 4 and multiple == 16 else round_up(channels, multiple)
    last = image.permute(0, 2, 3, 1)
    if lanes == channels:
        return last.contiguous()
    padded = last.new_empty((*last.shape[:3], lanes))
    padded[..., :channels] = last
    padded[..., channels:] = 0
    return padded


def empty_channels_last(like: Tensor, shape: Sequence[int]) -> Tensor:
    """Return an empty (N, C, H, W) tensor of the dtype of ``like``, channels-last in memory."""
    batch, channels, height, width = shape
    return like.new_empty((batch, height, width, channels)).permute(0, 3, 1, 2)


def empty_result(like: Tensor, shape: Sequence[int]) -> Tensor:
    """Return an empty (N, C, H, W) result of a kernel on the device of ``like``.

    It has at least float32, and is channels-last in memory on a CPU and contiguous elsewhere.
    """
    dtype = torch.promote_types(like.dtype, torch.float32)
    layout = torch.channels_last if like.device.type == "cpu" else torch.contiguous_format
    return torch.empty(tuple(shape), dtype=dtype, device=like.device, memory_format=layout)

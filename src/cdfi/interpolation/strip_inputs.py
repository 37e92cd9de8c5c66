"""The tensors from which the strips of a frame are computed, in the layout of the kernels."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from cdfi.common.devices import quick_bf16
from cdfi.common.multiples import round_up
from cdfi.models.network import Network

#: Channels that the CPU kernel reads at a time, and channels of a frame in memory.
CHANNEL_BLOCK, FRAME_CHANNELS = 32, 4


class StripInputs(NamedTuple):
    """The tensors from which the strips of one pair of frames are computed."""

    decoded: Tensor  # (N, C, H/2, W/2): the input of the heads
    bordered0: Tensor  # (N, 3, H + 2r, W + 2r): frame0 with border; on a CPU with a 4th channel
    bordered1: Tensor  # the same of frame1
    features: Tensor | None  # (N, 64, H + 2r, W + 2r): the features that both sides warp
    flow: Tensor | None  # (N, 4, H, W): added to the offsets
    height: int
    width: int


def strip_inputs(network: Network, frame0: Tensor, frame1: Tensor) -> StripInputs:
    """Return the inputs of the strips, from two padded frames (N, 3, H, W)."""
    height, width = frame0.shape[-2:]
    stages = network.encode(frame0, frame1)
    levels = network.pyramid(stages)
    decoded = network.decode(stages)
    del stages  # the finest stage is the largest tensor of the U-Net
    decoded, flow, _ = network.refine(decoded, frame0, frame1)
    last = torch.channels_last
    bordered0, bordered1 = (
        network.bordered(_pad_to_vector(frame)).contiguous(memory_format=last)
        for frame in (frame0, frame1)
    )
    features = _stack_features(network, bordered0, levels, height, width) if levels else None
    decoded = decoded.contiguous(memory_format=last)
    return StripInputs(decoded, bordered0, bordered1, features, flow, height, width)


def _pad_to_vector(frame: Tensor) -> Tensor:
    """Return the frame with a fourth channel on a CPU, whose kernel reads whole vectors."""
    missing = FRAME_CHANNELS - frame.shape[1]
    return F.pad(frame, (0, 0, 0, 0, 0, missing)) if frame.device.type == "cpu" else frame


def _stack_features(
    network: Network, frame: Tensor, levels: list[Tensor], height: int, width: int
) -> Tensor:
    """Return all levels of features in one tensor, the only copy of them at full size.

    The channels are zero-padded to whole blocks, which the CPU kernel reads without a copy; the
    padding has room for a warped frame.
    """
    used = sum(network.config.pyramid)
    channels = round_up(used + FRAME_CHANNELS, CHANNEL_BLOCK)
    size = (len(frame), channels, *frame.shape[2:])
    # The half precision of autocast is kept if the kernel can multiply in it.
    half = frame.is_cuda or (levels[0].dtype == torch.bfloat16 and quick_bf16(frame.device))
    block = torch.empty(
        size,
        dtype=levels[0].dtype if half else frame.dtype,
        device=frame.device,
        memory_format=torch.channels_last,
    )
    block[:, used:] = 0
    start = 0
    for level in levels:
        _write_with_border(
            network.to_full_size(level, height, width), block[:, start : start + level.shape[1]]
        )
        start += level.shape[1]
    return block


def _write_with_border(features: Tensor, target: Tensor) -> None:
    """Write features into the middle of ``target`` and replicate their edges around them."""
    border = (target.shape[-1] - features.shape[-1]) // 2
    target[..., border : target.shape[-2] - border, border : target.shape[-1] - border] = features
    if border:
        rows = slice(border, -border)
        target[..., rows, :border] = target[..., rows, border, None]
        target[..., rows, -border:] = target[..., rows, -border - 1, None]
        target[..., :border, :] = target[..., border, None, :]
        target[..., -border:, :] = target[..., -border - 1, None, :]

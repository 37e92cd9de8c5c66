"""Refinement: an initial flow from features, refined on the frames, and back into the features."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cdfi.ops import refine_flow
from cdfi.ops.refine_flow.reference import upsample_flow

# Slope below zero of the layers that predict the initial flow. Refinement corrects their errors, so
# the loss hardly depends on them, and with plain ReLUs more and more units became dead.
_SLOPE = 0.1
_SCALE = 16.0  # pixels of motion that are 1 in the input of the comparison


class Refined(NamedTuple):
    """The input of the heads, and the flow that is added to their offsets, if there is one."""

    decoded: Tensor  # (N, C, H/2, W/2)
    flow: Tensor | None = None  # (N, 4, H, W), pixels: rows, columns to frame 0, then to frame 1
    initial_flow: Tensor | None = None  # the same before refinement


class Refinement(nn.Module):
    """Predicts a flow from the decoder's features, refines it and compares the aligned frames.

    Convolutions at half resolution predict where each position of the middle frame is in both
    frames. Least squares on the frames at full resolution refine this flow
    (:func:`cdfi.ops.refine_flow`), more exactly than convolutions learn to. The frames sampled
    there are added to the features, so that the heads see where they differ.

    Args:
        channels: of the features.
        flow: hidden widths of the layers that predict the initial flow.
        compare: hidden widths of the layers that read the aligned frames.
        levels: of the pyramid of flow refinement.
    """

    def __init__(
        self, channels: int, flow: Sequence[int], compare: Sequence[int], levels: int
    ) -> None:
        super().__init__()
        self.levels = levels
        self.flow = _layers(channels, flow, 4, _SLOPE)
        self.compare = _layers(channels + 10, compare, channels)

    def forward(self, decoded: Tensor, frame0: Tensor, frame1: Tensor) -> Refined:
        """Return the features with the comparison added, and the flow in float32.

        Args:
            decoded: (N, C, H/2, W/2).
            frame0: (N, 3, H, W) in [0, 1]; H and W are multiples of ``2 ** (levels - 1)``.
            frame1: the same.
        """
        initial_flow = upsample_flow(self.flow(decoded).float())
        flow, sides = refine_flow(frame0, frame1, initial_flow, self.levels)
        aligned = F.avg_pool2d(torch.cat((sides, flow.detach() / _SCALE), 1), 2)
        decoded = decoded + self.compare(torch.cat((decoded, aligned.to(decoded.dtype)), 1))
        return Refined(decoded, flow, initial_flow)


def _layers(
    channels_in: int, hidden: Sequence[int], channels_out: int, slope: float = 0.0
) -> nn.Sequential:
    """Return 3 x 3 convolutions with (leaky) ReLUs between, each a module of its own for hooks."""
    layers: list[nn.Module] = []
    for before, after in zip((channels_in, *hidden), hidden):
        layers += [
            nn.Conv2d(before, after, 3, padding=1),
            nn.LeakyReLU(slope) if slope else nn.ReLU(),
        ]
    return nn.Sequential(*layers, nn.Conv2d((channels_in, *hidden)[-1], channels_out, 3, padding=1))

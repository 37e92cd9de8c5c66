"""Where the heads begin to look: a motion that the frames themselves have corrected."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cdfi.ops import refine_flow
from cdfi.ops.refine_flow.op import enlarged

# Of the guess's units below zero. What registration makes good, no loss complains about: as plain
# ReLUs they died one by one, and the guess with them.
_SLOPE = 0.1
_SCALE = 16.0  # pixels of motion that the comparison sees as 1


class Refined(NamedTuple):
    """What the heads read, and the motion their offsets are counted from, if there is one."""

    decoded: Tensor  # (N, C, H/2, W/2)
    flow: Tensor | None = None  # (N, 4, H, W), pixels: rows, columns to frame 0, then to frame 1
    initial_flow: Tensor | None = None  # the same before registration


class Refinement(nn.Module):
    """From the decoder's features to a motion, registered, and back into the features.

    A convolution guesses where each place of the middle frame is in both frames; least squares on
    the frames move the guess to where it fits (:func:`cdfi.ops.refine_flow`), more exactly than
    convolutions learn to; and what the frames look like there joins the features, so that the heads
    see what does not fit. Convolutions at half resolution, registration at the frames' own.

    Args:
        channels: of the features.
        flow: hidden widths of the guess.
        compare: hidden widths of what reads the frames so aligned.
        levels: of the registration's pyramid.
    """

    def __init__(
        self, channels: int, flow: Sequence[int], compare: Sequence[int], levels: int
    ) -> None:
        super().__init__()
        self.levels = levels
        self.flow = _layers(channels, flow, 4, _SLOPE)
        self.compare = _layers(channels + 10, compare, channels)

    def forward(self, decoded: Tensor, frame0: Tensor, frame1: Tensor) -> Refined:
        """The motion in float32, and the features with what came of it.

        Args:
            decoded: (N, C, H/2, W/2).
            frame0, frame1: (N, 3, H, W) in [0, 1], H and W multiples of ``2 ** (levels - 1)``.
        """
        initial_flow = enlarged(self.flow(decoded).float())
        flow, sides = refine_flow(frame0, frame1, initial_flow, self.levels)
        aligned = F.avg_pool2d(torch.cat((sides, flow.detach() / _SCALE), 1), 2)
        decoded = decoded + self.compare(torch.cat((decoded, aligned.to(decoded.dtype)), 1))
        return Refined(decoded, flow, initial_flow)


def _layers(
    channels_in: int, hidden: Sequence[int], channels_out: int, slope: float = 0.0
) -> nn.Sequential:
    """3 x 3 convolutions, between them (leaky) ReLUs: one each, so that each can be watched."""
    layers: list[nn.Module] = []
    for before, after in zip((channels_in, *hidden), hidden):
        layers += [
            nn.Conv2d(before, after, 3, padding=1),
            nn.LeakyReLU(slope) if slope else nn.ReLU(),
        ]
    return nn.Sequential(*layers, nn.Conv2d((channels_in, *hidden)[-1], channels_out, 3, padding=1))

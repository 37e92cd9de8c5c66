"""A small network that takes t, for tests of the engine."""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from cdfi.models import TimedNetwork


class FakeConfig:
    """The architecture of :class:`Lerp`."""

    computes_colours = False

    def to_json(self) -> str:
        return '{"family": "lerp"}'


class State(NamedTuple):
    """What all instants share."""

    frame0: Tensor
    frame1: Tensor
    features: Tensor


class Lerp(TimedNetwork):
    """Mixes two frames in proportion to t, and adds 0 by way of a convolution; counts its calls."""

    def __init__(self, *, bytes_per_pixel: int = 100, gain: float = 1.0) -> None:
        super().__init__()
        self.config = FakeConfig()
        self.conv = nn.Sequential(nn.Conv2d(6, 3, 3, padding=1), nn.ReLU())
        nn.init.constant_(self.conv[0].weight, 0.0)
        nn.init.constant_(self.conv[0].bias, -1.0)
        self.bytes_per_pixel, self.gain = bytes_per_pixel, gain
        self.prepared = 0
        self.instants: list[float] = []

    def prepare(self, frame0: Tensor, frame1: Tensor) -> State:
        self.prepared += 1
        return State(frame0, frame1, self.conv(torch.cat((frame0, frame1), 1)) * self.gain)

    def between(self, state: Any, t: float | Tensor) -> Tensor:
        if not isinstance(t, Tensor):
            self.instants.append(t)
        return state.frame0 + t * (state.frame1 - state.frame0) + state.features

    def predict(self, state: Any, t: float | Tensor) -> Tensor:
        return self.between(state, t)

    def peak_bytes(self, height: int, width: int) -> int:
        return self.bytes_per_pixel * height * width

"""A frame in pieces: which pieces fit the memory, and how a network computes a frame from them."""

from functools import partial
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from cdfi.interpolation.memory import Tiling, choose_tile, choose_tiling, peak_bytes
from cdfi.interpolation.strips import middle_by_strips
from cdfi.interpolation.tiles import frame_by_tiles
from cdfi.models import AnyNetwork, Network, TimedNetwork


class Computation(Protocol):
    """Two steps of a network for frames of one size: what all instants share, and one frame."""

    @property
    def shares(self) -> bool:
        """Whether ``prepare`` computes anything."""

    def prepare(self, frame0: Tensor, frame1: Tensor) -> Any:
        """Return what all instants between two frames (N, 3, H, W) share."""

    def between(self, state: Any, t: float | Tensor) -> Tensor:
        """Return the frame at ``t``, (N, 3, H, W), not clamped."""


class MiddleComputation(NamedTuple):
    """A network that computes the middle frame only, whatever ``t`` is."""

    network: Network
    tiling: Tiling

    @property
    def shares(self) -> bool:
        """False: there is one instant."""
        return False

    def prepare(self, frame0: Tensor, frame1: Tensor) -> tuple[Tensor, Tensor]:
        """Return the frames."""
        return frame0, frame1

    def between(self, state: tuple[Tensor, Tensor], t: float | Tensor) -> Tensor:
        """Return the middle frame, by strips or by tiles."""
        if self.tiling.tile:
            return frame_by_tiles(partial(middle_by_strips, self.network), *state, self.tiling.tile)
        return middle_by_strips(self.network, *state, self.tiling.chunk, self.tiling.strip)


class TimedComputation(NamedTuple):
    """A network that takes t. Tiles share nothing between instants, so that one state is held."""

    network: TimedNetwork
    tiling: Tiling

    @property
    def shares(self) -> bool:
        """Whether the frame is not tiled."""
        return not self.tiling.tile

    def prepare(self, frame0: Tensor, frame1: Tensor) -> Any:
        """Return the network's state, or the frames if they are tiled."""
        return self.network.prepare(frame0, frame1) if self.shares else (frame0, frame1)

    def between(self, state: Any, t: float | Tensor) -> Tensor:
        """Return the frame at ``t``, whole or by tiles."""
        if self.shares:
            return self.network.between(state, t)
        frame0, frame1 = state
        return frame_by_tiles(partial(self.network, t=t), frame0, frame1, self.tiling.tile)


def computation(network: AnyNetwork, tiling: Tiling) -> Computation:
    """Return how ``network`` computes frames in the pieces of ``tiling``."""
    if isinstance(network, Network):
        return MiddleComputation(network, tiling)
    return TimedComputation(network, tiling)


def tiling_for(network: AnyNetwork, shape: torch.Size, budget: int, gpu: bool) -> Tiling:
    """Return the largest pieces of frames of ``shape`` (N, 3, H, W) that ``budget`` bytes allow.

    Raises:
        ValueError: not even the smallest tile fits.
    """
    batch, _, height, width = shape
    if isinstance(network, Network):
        return choose_tiling(network.config, height, width, batch, budget, gpu)
    if network.peak_bytes(height, width) * batch <= budget:
        return Tiling(height, height, 0)
    return Tiling(height, height, choose_tile(network.peak_bytes, height, width, batch, budget))


def peak_of(network: AnyNetwork, height: int, width: int, tiling: Tiling) -> int:
    """Return the bytes that one frame takes at its peak in the pieces of ``tiling``."""
    if tiling.tile:
        height, width = min(height, tiling.tile), min(width, tiling.tile)
    if isinstance(network, Network):
        return peak_bytes(network.config, height, width, tiling.chunk, tiling.strip)
    return network.peak_bytes(height, width)

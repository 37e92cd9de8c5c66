"""Batches of training data: three instants of N small scenes."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

#: Chance that a sample has its middle frame half-way, if it may be at any instant.
HALF_CHANCE = 0.5


class Batch(NamedTuple):
    """N triplets in time order, with the motion where it is known.

    Frames are (N, 3, H, W) floats in [0, 1]. ``flow0`` and ``flow1`` are (N, 2, H, W): rows then
    columns, in pixels, from the middle frame to each side. ``visible0`` and ``visible1`` are
    (N, 1, H, W): 1 where the point is visible in that side's frame and its motion is known, 0
    everywhere for real shots. ``t`` is (N, 1, 1, 1): the instant of the frame between, in (0, 1).
    """

    frame0: Tensor
    middle: Tensor
    frame1: Tensor
    flow0: Tensor
    flow1: Tensor
    visible0: Tensor
    visible1: Tensor
    t: Tensor

    def to(self, device: torch.device, non_blocking: bool = True) -> "Batch":
        """Return the same batch on another device."""
        return Batch(*(field.to(device, non_blocking=non_blocking) for field in self))


class SampleRequest(NamedTuple):
    """A request for one sample: its number in the order of the source, and its random numbers."""

    number: int
    random: np.random.Generator


class SampleSource(Protocol):
    """A source of samples; equal requests give equal samples."""

    @property
    def size(self) -> int:
        """The number of samples in one pass over the data."""
        ...

    def samples(self, requests: Sequence[SampleRequest]) -> Batch:
        """Return one batch with a sample for each request."""
        ...


def from_frames(triplets: np.ndarray, t: Tensor | None = None) -> Batch:
    """Return a batch of real frames, whose motion is unknown.

    Args:
        triplets: uint8 (N, 3, H, W, 3), or uint16 of the same shape: frame0, middle, frame1.
        t: (N, 1, 1, 1) the instants of the middle frames; 1/2 if None.
    """
    full = float(np.iinfo(triplets.dtype).max)
    planes = torch.from_numpy(triplets.astype(np.float32)).permute(1, 0, 4, 2, 3) / full
    frame0, middle, frame1 = planes.contiguous().unbind(0)
    if t is None:
        t = torch.full((len(middle), 1, 1, 1), 0.5)
    return without_motion(frame0, middle, frame1, t)


def without_motion(frame0: Tensor, middle: Tensor, frame1: Tensor, t: Tensor) -> Batch:
    """Return a batch of frames (N, 3, H, W) whose motion is unknown: nothing counts as visible."""
    flow, visible = torch.zeros_like(middle[:, :2]), torch.zeros_like(middle[:, :1])
    return Batch(frame0, middle, frame1, flow, flow, visible, visible, t)


def join(batches: Sequence[Batch]) -> Batch:
    """Concatenate batches of one frame size."""
    return batches[0] if len(batches) == 1 else Batch(*map(torch.cat, zip(*batches)))


def uniform(randoms: Sequence[np.random.Generator], shape: tuple[int, ...]) -> Tensor:
    """Return (N, *shape) floats in [0, 1), each sample's from its own generator."""
    numbers = np.stack([random.random(shape, dtype=np.float32) for random in randoms])
    return torch.from_numpy(numbers)

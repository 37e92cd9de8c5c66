"""PairInterpolator: two frames in, the frames between them out, with any engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import torch
from torch import Tensor

from cdfi.interpolation.frame_batch import (
    Frame,
    Image,
    as_array,
    as_picture,
    check_pair,
    from_batch,
    is_picture,
    to_batch,
)
from cdfi.interpolation.midpoints import TOLERANCE, ancestors, nearest_dyadics
from cdfi.interpolation.times import Time, exact_times, exact_tolerance

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

HALF = Fraction(1, 2)
#: A frame or a PIL image: the same kind goes in and comes out.
Shown = TypeVar("Shown", Tensor, Image, "Picture")


class GapFrames(Protocol):
    """Two frames, of which frames at several instants are computed."""

    def frame(self, t: float) -> Tensor:
        """Return the frame at ``t``, float32 (N, 3, H, W) in [0, 1]."""


class FrameEngine(Protocol):
    """What computes single frames: ours, or that of another runtime."""

    @property
    def takes_time(self) -> bool:
        """Whether it computes any instant; else t = 1/2 only."""

    def frame(self, frame0: Tensor, frame1: Tensor) -> Tensor:
        """Return the middle frame, float32 (N, 3, H, W) in [0, 1]."""

    def gap(self, frame0: Tensor, frame1: Tensor) -> GapFrames:
        """Return the gap between two frames, which keeps what its instants share."""


class PairInterpolator:
    """Base class: computes the frames between two frames with ``engine``, on ``device``."""

    engine: FrameEngine

    @property
    def device(self) -> torch.device:
        """The device on which frames are computed."""
        return torch.device("cpu")

    @property
    def takes_time(self) -> bool:
        """Whether the network computes any instant at once; else by recursive midpoints."""
        return self.engine.takes_time

    def __call__(self, frame0: Shown, frame1: Shown, t: Time = HALF) -> Shown:
        """Return one frame between two; see :meth:`between` for what frames are.

        Args:
            frame0: the frame at 0.
            frame1: the frame at 1.
            t: instant in (0, 1), by default half-way.
        """
        return next(iter(self.between(frame0, frame1, [t])))

    def between(
        self,
        frame0: Shown,
        frame1: Shown,
        times: Sequence[Time] | int,
        tolerance: Time = TOLERANCE,
    ) -> Iterator[Shown]:
        """Return the frames at ``times``, in order, each computed when it is taken.

        Networks that take t compute each frame at its exact instant. Other networks compute
        midpoints of midpoints, each once, up to one that is near enough to the instant.

        Args:
            frame0: float tensor (3, H, W) or (N, 3, H, W) of RGB in [0, 1], numpy image
                (H, W, 3) of uint8, uint16 or float in [0, 1], or PIL image of mode RGB, which a
                notebook displays. Any size from 1 x 1 up.
            frame1: the same, of the same shape and dtype.
            times: increasing instants in (0, 1), 0 at ``frame0`` and 1 at ``frame1``, as numbers or
                Fractions; or how many frames, evenly spaced.
            tolerance: largest distance of a frame from its instant, for networks that compute
                midpoints. Instants whose denominator is a power of two are exact, and different
                instants never share a frame.

        Returns:
            Frames of the same kind, on the same device, clamped to [0, 1].

        Raises:
            ValueError: the frames are not such images or differ in size or kind; the times are not
                increasing or outside (0, 1); the tolerance is not above 0.
        """
        first, second = map(as_array, (frame0, frame1))
        check_pair(first, second)
        instants, near = exact_times(times), exact_tolerance(tolerance)
        if self.takes_time:
            made: Any = self._at_instants(first, second, instants)
        else:
            made = self._by_midpoints(first, second, nearest_dyadics(instants, near))
        return map(as_picture, made) if is_picture(frame0) else made

    def _at_instants(
        self, frame0: Frame, frame1: Frame, instants: list[Fraction]
    ) -> Iterator[Frame]:
        """Yield the frame at each instant, computed at once."""
        gap = self.engine.gap(*(to_batch(frame).to(self.device) for frame in (frame0, frame1)))
        for t in instants:
            yield from_batch(gap.frame(float(t)), frame0)

    def _by_midpoints(
        self, frame0: Frame, frame1: Frame, targets: list[Fraction]
    ) -> Iterator[Frame]:
        """Yield the frame at each target m / 2^d by recursive midpoints; forget unused ones."""
        known = {
            Fraction(0): to_batch(frame0).to(self.device),
            Fraction(1): to_batch(frame1).to(self.device),
        }
        last_use = {t: i for i, target in enumerate(targets) for t in ancestors(target)}
        for i, target in enumerate(targets):
            for t, (before, after) in ancestors(target).items():
                if t not in known:
                    known[t] = self.engine.frame(known[before], known[after])
            yield from_batch(known[target], frame0)
            known = {t: x for t, x in known.items() if last_use.get(t, len(targets)) > i}

"""Interpolate frames that the caller reads and writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeVar, overload

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from cdfi.interpolation import Interpolator
from cdfi.interpolation.clip import ValueRange, interpolate_clip
from cdfi.video.timing.timeline import tolerance

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

Image = TypeVar("Image", Tensor, NDArray[np.generic])
#: A clip in memory: the same kind goes in and comes out.
Clip = TypeVar("Clip", Tensor, NDArray[Any], "list[Picture]", list[Tensor], list[NDArray[Any]])
Rate = Fraction | float


@overload
def interpolate_frames(
    frames: Clip,
    interpolator: Interpolator | None = None,
    *,
    factor: int | None = None,
    fps: Rate | None = None,
    source_fps: Rate | None = None,
    value_range: ValueRange = (0.0, 1.0),
    batch: int | None = None,
) -> Clip: ...


@overload
def interpolate_frames(
    frames: Iterable[tuple[Fraction, Image]],
    interpolator: Interpolator | None = None,
    *,
    factor: int | None = None,
) -> Iterator[tuple[Fraction, Image]]: ...


def interpolate_frames(
    frames: Any,
    interpolator: Any = None,
    *,
    factor: int | None = None,
    fps: Rate | None = None,
    source_fps: Rate | None = None,
    value_range: ValueRange = (0.0, 1.0),
    batch: int | None = None,
) -> Any:
    """Interpolate a clip in memory, or a stream of frames with their times.

    A clip, such as the output of a generative model, comes back as the same kind with more frames.
    A stream is any other iterable of pairs of a time and an image; the pairs of the result are
    yielded with two frames in memory, however long the video is. In both, the frames of the source
    are kept as they are; with ``fps`` those that are at an instant of the result.

    Args:
        frames: a list of PIL images, arrays (H, W, 3) or tensors (3, H, W); an array (T, H, W, 3);
            a tensor (T, 3, H, W) or (B, T, 3, H, W); or pairs of a time, in any unit, and an array
            or a tensor of one frame. Arrays are uint8, uint16 or float. Times must ascend.
        interpolator: computes the frames; by default the default model, on the device of the
            tensor, or the best device for other kinds.
        factor: frames in place of each one, by default 2.
        fps: for clips, frames a second of the result instead of a factor.
        source_fps: for clips, frames a second of the source; needed with ``fps``.
        value_range: lowest and highest value of float clips: (0, 1) or (-1, 1).
        batch: for clips, pairs of frames that are computed at once; by default 8 on a GPU, else 1.

    Returns:
        For a clip of T frames, (T - 1) * factor + 1 frames of the same kind; else an iterator.

    Raises:
        ValueError: the frames are none of these, have values outside the range, or do not ascend in
            time; or the factor or rates are impossible.
    """
    if _is_clip(frames):
        step = _step(factor, fps, source_fps)
        chosen = interpolator or Interpolator(device=_device(frames))
        return interpolate_clip(frames, chosen, step, value_range=value_range, batch=batch)
    if fps is not None or source_fps is not None:
        raise ValueError("fps is for clips; a stream of times and images has a factor only")
    if not hasattr(frames, "__iter__"):
        raise ValueError(f"expected frames, got a {type(frames).__name__}")
    return _stream(frames, interpolator or Interpolator(), _checked_factor(factor))


def _is_clip(frames: Any) -> bool:
    """Return whether ``frames`` is a clip in memory, not a stream of times and images."""
    if isinstance(frames, Sequence):
        return not (frames and isinstance(frames[0], tuple))
    return isinstance(frames, (Tensor, np.ndarray))


def _device(frames: Any) -> str | None:
    """Return the device of tensors; None for other kinds."""
    first = frames[0] if isinstance(frames, Sequence) and frames else frames
    return str(first.device) if isinstance(first, Tensor) else None


def _step(factor: int | None, fps: Rate | None, source_fps: Rate | None) -> Fraction:
    """Return the distance of frames of the result, in frames of the source."""
    if fps is None:
        return Fraction(1, _checked_factor(factor))
    if factor is not None:
        raise ValueError("factor and fps were both given: expected one of them")
    if source_fps is None:
        raise ValueError("fps needs source_fps, the frames a second of the clip")
    target, source = (Fraction(x).limit_denominator(1_000_000) for x in (fps, source_fps))
    if not 0 < source <= target:
        raise ValueError(
            f"expected fps of at least source_fps, got {fps} and {source_fps}: frames would be lost"
        )
    return source / target


def _checked_factor(factor: int | None) -> int:
    if factor is None:
        return 2
    if isinstance(factor, bool) or not isinstance(factor, int) or factor < 1:
        raise ValueError(f"factor must be a whole number of 1 or more, got {factor}")
    return factor


def _stream(
    frames: Iterable[tuple[Fraction, Image]], interpolator: Interpolator, factor: int
) -> Iterator[tuple[Fraction, Image]]:
    """Yield ``frames`` with their times, and ``factor - 1`` frames evenly between each two."""
    times = [Fraction(step, factor) for step in range(1, factor)]
    left: tuple[Fraction, Image] | None = None
    for right in frames:
        if left is not None:
            start, length = left[0], right[0] - left[0]
            if length <= 0:
                raise ValueError(f"the time {right[0]} follows {start}: times must ascend")
            images = interpolator.between(left[1], right[1], times, tolerance(factor))
            yield from zip((start + length * t for t in times), images)
        yield right
        left = right

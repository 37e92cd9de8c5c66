"""interpolate_clip: a clip in memory, such as the output of a generative model."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from cdfi.interpolation.frame_batch import (
    as_picture,
    from_batch,
    has_floats,
    has_levels,
    is_picture,
    to_batch,
)
from cdfi.interpolation.midpoints import TOLERANCE

#: Smallest and largest value of float frames.
ValueRange = tuple[float, float]
_SLACK = 0.01  # of the range: what decoders overshoot
_GPU_BATCH = 8  # pairs at once
Pair = tuple[int, int]  # number of the video, number of the frame before


class BatchInterpolator(Protocol):
    """An ``Interpolator``, or anything with the same method."""

    def between(
        self, frame0: Tensor, frame1: Tensor, times: Sequence[Fraction], tolerance: Fraction, /
    ) -> Iterator[Tensor]:
        """Return the frames (N, 3, H, W) at ``times`` in (0, 1) between frames in [0, 1]."""


class ClipInstant(NamedTuple):
    """Where a frame of the result is: a source frame, and a part of the gap after it."""

    before: int
    t: Fraction


def interpolate_clip(
    frames: Any,
    interpolator: BatchInterpolator,
    step: Fraction,
    *,
    value_range: ValueRange = (0.0, 1.0),
    batch: int | None = None,
) -> Any:
    """Return a clip with frames at every ``step``; frames of the source are kept as they are.

    Args:
        frames: a list of PIL images, arrays (H, W, 3) or tensors (3, H, W); an array
            (T, H, W, 3); or a tensor (T, 3, H, W) or (B, T, 3, H, W).
        interpolator: computes the frames.
        step: distance of frames of the result, in frames of the source.
        value_range: of float frames.
        batch: pairs of frames that are computed at once; by default 8 on a GPU, else 1.

    Returns:
        The same kind, on the same device.

    Raises:
        ValueError: the frames are not such a clip, or have values outside the range.
    """
    videos = _videos(frames)
    for video in videos:
        _check_video(video, value_range)
    instants = _instants(len(videos[0]), step)
    batch = _batch_size(batch, frames)
    made: dict[tuple[Pair, Fraction], Any] = {}
    for times, pairs in _groups(len(videos), instants).items():
        near = min(TOLERANCE, Fraction(1, 2 * (len(times) + 1)))
        for first in range(0, len(pairs), batch):
            some = pairs[first : first + batch]
            before = torch.cat([_as_batch(videos[v][i], value_range) for v, i in some])
            after = torch.cat([_as_batch(videos[v][i + 1], value_range) for v, i in some])
            for t, found in zip(times, interpolator.between(before, after, times, near)):
                for pair, frame in zip(some, torch.split(found, 1)):
                    made[pair, t] = _like(frame, videos[pair[0]][pair[1]], value_range)
    results = [
        [made[(v, at.before), at.t] if at.t else video[at.before] for at in instants]
        for v, video in enumerate(videos)
    ]
    return _joined(results, frames)


def _batch_size(batch: int | None, frames: Any) -> int:
    if batch is None:
        return _GPU_BATCH if isinstance(frames, Tensor) and frames.is_cuda else 1
    if batch < 1:
        raise ValueError(f"expected a batch of 1 pair or more, got {batch}")
    return batch


def _instants(count: int, step: Fraction) -> list[ClipInstant]:
    """Return the instants from the first to the last of ``count`` frames."""
    positions = (number * step for number in range(int((count - 1) / step) + 1))
    return [ClipInstant(int(position), position - int(position)) for position in positions]


def _groups(videos: int, instants: list[ClipInstant]) -> dict[tuple[Fraction, ...], list[Pair]]:
    """Return the pairs of frames by the instants that are computed between them."""
    times: dict[int, list[Fraction]] = defaultdict(list)
    for before, t in instants:
        if t:
            times[before].append(t)
    groups: dict[tuple[Fraction, ...], list[Pair]] = defaultdict(list)
    for video in range(videos):
        for before, found in times.items():
            groups[tuple(found)].append((video, before))
    return groups


def _videos(frames: Any) -> list[list[Any]]:
    """Return each video as a list of its frames.

    Raises:
        ValueError: ``frames`` is not a clip.
    """
    arrays = isinstance(frames, (Tensor, np.ndarray)) and frames.ndim == 4
    if not (arrays or isinstance(frames, (list, tuple)) or getattr(frames, "ndim", 0) == 5):
        raise ValueError(f"expected a list of frames, an array or a tensor; got {_named(frames)}")
    many = isinstance(frames, Tensor) and frames.ndim == 5
    videos = [list(video) for video in frames] if many else [list(frames)]
    if not videos or not videos[0]:
        raise ValueError("expected at least one frame")
    return videos


def _check_video(video: list[Any], value_range: ValueRange) -> None:
    """Raise ValueError unless all frames are RGB, of one kind and size, and within the range."""
    low, high = value_range
    if not -math.inf < low < high < math.inf:
        raise ValueError(f"expected value_range=(lowest, highest), got {value_range}")
    for frame in video:
        kind = _kind(frame)
        if kind is None:
            raise ValueError(
                f"expected RGB images, arrays (H, W, 3) or tensors (3, H, W); got {_named(frame)}"
            )
        if 0 in kind[1]:
            raise ValueError(f"expected frames of 1 x 1 pixels or more; got {_named(frame)}")
        if kind != _kind(video[0]):
            raise ValueError(f"the frames differ: {_named(video[0])} and {_named(frame)}")
        _check_values(frame, value_range)


def _check_values(frame: Any, value_range: ValueRange) -> None:
    if not has_floats(frame):
        return
    low, high = value_range
    slack = _SLACK * (high - low)
    smallest, largest = float(frame.min()), float(frame.max())
    if not low - slack <= smallest <= largest <= high + slack:  # NaN fails, too
        raise ValueError(
            f"frames have values from {smallest:g} to {largest:g}, outside {low:g} to {high:g}: "
            "pass value_range=(lowest, highest), such as (-1, 1)"
        )


def _kind(frame: Any) -> tuple[Any, ...] | None:
    """Return type, size, dtype and device of a frame; None if it is not an RGB frame.

    They must be equal for all frames of a clip.
    """
    if isinstance(frame, Tensor):
        good = frame.ndim == 3 and frame.shape[0] == 3 and has_floats(frame)
        return ("tensor", frame.shape, frame.dtype, frame.device) if good else None
    if isinstance(frame, np.ndarray):
        good = frame.ndim == 3 and frame.shape[2] == 3 and has_levels(frame)
        return ("array", frame.shape, frame.dtype) if good else None
    return ("image", frame.size) if is_picture(frame) else None


def _named(frame: Any) -> str:
    shape = getattr(frame, "shape", None) or getattr(frame, "size", None)
    mode = getattr(frame, "mode", None)  # of tensors it is a method
    details = [str(x) for x in (mode, getattr(frame, "dtype", None)) if x and not callable(x)]
    form = f" of {tuple(shape)}" if isinstance(shape, tuple) else ""
    return f"a {type(frame).__name__}{form} {' '.join(details)}".strip()


def _as_batch(frame: Any, value_range: ValueRange) -> Tensor:
    """Return a frame as float32 (1, 3, H, W) in [0, 1]."""
    if has_floats(frame):
        low, high = value_range
        return ((to_batch(frame) - low) / (high - low)).clamp(0, 1)
    return to_batch(np.asarray(frame))


def _like(frame: Tensor, source: Any, value_range: ValueRange) -> Any:
    """Return (1, 3, H, W) in [0, 1] as a frame of the kind of ``source``."""
    if has_floats(source):
        low, high = value_range
        return from_batch(frame * (high - low) + low, source)
    if isinstance(source, np.ndarray):
        return from_batch(frame, source)
    return as_picture(from_batch(frame, np.asarray(source)))


def _joined(videos: list[list[Any]], like: Any) -> Any:
    """Return the frames of each video as a clip of the kind of ``like``."""
    if isinstance(like, Tensor):
        stacked = torch.stack([torch.stack(video) for video in videos])
        return stacked if like.ndim == 5 else stacked[0]
    if isinstance(like, np.ndarray):
        return np.stack(videos[0])
    return type(like)(videos[0])


def as_pictures(frames: Any, value_range: ValueRange = (0.0, 1.0)) -> list[Any]:
    """Return one frame, or a clip as :func:`interpolate_clip` takes it, as PIL images.

    Raises:
        ValueError: the frames are no such clip, or have values outside the range.
    """
    single = getattr(frames, "ndim", 0) == 3 or isinstance(getattr(frames, "mode", None), str)
    (first, *_) = videos = _videos([frames] if single else frames)
    for video in videos:
        _check_video(video, value_range)
    example = np.empty((1, 1, 3), np.uint8)
    return [as_picture(from_batch(_as_batch(x, value_range), example)) for x in first]

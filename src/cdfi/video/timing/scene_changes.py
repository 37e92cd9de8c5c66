"""Scene cuts, flashes and repeated pictures in a stream of frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import av
from av.video.frame import VideoFrame

from cdfi.video.timing.frame import SourceFrame
from cdfi.video.timing.picture_change import change as measure_change
from cdfi.video.timing.picture_change import is_same, mean_change
from cdfi.video.timing.thresholds import SCENE_THRESHOLD

LEAD = 12  # frames before a start with which all decisions equal those of a run from the beginning
SHOTS = 3  # large changes in a row that count as cuts; more in a row are fast motion
RETURN = 0.25  # of a change; a picture that differs less from the last but one returns to it
NEARBY = 3  # changes on either side that a repeat is compared with
NOISE = 0.125  # of the motion nearby: a repeat, coded again, changes less in any block
MEAN_NOISE = 0.25  # of the motion nearby: the same, for the mean of all blocks
NOISE_LIMIT = 8.0  # 8-bit codes, of the block that changes most; no codec noise is stronger


@dataclass
class _Change:
    """How a frame differs from the one before it.

    ``mean`` and ``score`` are libav's, in percent; ``largest`` the change of the block that changes
    most and ``average`` that of all, in 8-bit codes; ``returns``: it is like the last but one.
    """

    frame: SourceFrame
    mean: float = 0.0
    score: float = 0.0
    largest: float = 0.0
    average: float = 0.0
    same: bool = False
    returns: bool = False
    first: bool = False


def mark_scenes(
    frames: Iterable[SourceFrame], threshold: float | None, dedup: float = 0.0
) -> Iterator[SourceFrame]:
    """Yield ``frames`` with ``is_cut`` and ``is_repeat`` filled in.

    A cut is a change of at least ``threshold`` percent that stands out from the changes beside it,
    up to three in a row (a flash is two: there and back), or one that returns to the picture before
    the last one. A repeat is the same picture, but for rounding. With ``dedup`` it may also have
    been coded again: it then changes less than an eighth of what the frames on both sides change.

    Args:
        frames: in order of time.
        threshold: of a cut, 0 to 100; None finds no cuts.
        dedup: find repeats beneath the noise of coding, with this sensitivity; 1 is usual, 0 finds
            none.
    """
    changes: list[_Change] = []
    position = 0
    for change in _changes(frames, threshold, dedup):
        changes.append(change)
        if len(changes) - position > NEARBY:
            yield _marked(changes, position, threshold, dedup)
            position += 1
        if position > NEARBY + SHOTS:
            changes.pop(0)
            position -= 1
    for index in range(position, len(changes)):
        yield _marked(changes, index, threshold, dedup)


def _changes(
    frames: Iterable[SourceFrame], threshold: float | None, dedup: float
) -> Iterator[_Change]:
    """Yield how each frame differs from the one before it."""
    detector = None if threshold is None else Detector()
    before: VideoFrame | None = None
    earlier: VideoFrame | None = None
    for frame in frames:
        image = frame.image
        mean, score = detector.measure(image) if detector else (0.0, 0.0)
        change = _Change(frame, mean, score, first=before is None)
        if before is not None:
            change.same = is_same(before, image)
            if dedup and not change.same:
                change.largest, change.average = measure_change(before, image)
        if threshold is not None and earlier is not None and mean >= threshold > score:
            change.returns = mean_change(earlier, image) <= RETURN * mean
        yield change
        earlier, before = before, image


def _marked(
    changes: list[_Change], index: int, threshold: float | None, dedup: float
) -> SourceFrame:
    change = changes[index]
    cut = threshold is not None and _is_cut(changes, index, threshold)
    repeat = not change.first and (change.same or (dedup > 0 and _is_noise(changes, index, dedup)))
    return replace(change.frame, is_cut=cut, is_repeat=repeat and not cut)


def _is_cut(changes: list[_Change], index: int, threshold: float) -> bool:
    """Return whether a frame opens a scene, or a flash begins or ends with it."""
    change = changes[index]
    if change.first or change.mean < threshold:
        return False
    if change.score >= threshold or change.returns:
        return True
    first = last = index
    while first > 0 and changes[first - 1].mean >= threshold and index - first < SHOTS:
        first -= 1
    while last + 1 < len(changes) and changes[last + 1].mean >= threshold and last - index < SHOTS:
        last += 1
    beside = [changes[first - 1].mean] if first > 0 else []
    beside += [changes[last + 1].mean] if last + 1 < len(changes) else []
    return last - first < SHOTS and change.mean - max(beside, default=0.0) >= threshold


def _is_noise(changes: list[_Change], index: int, sensitivity: float) -> bool:
    """Return whether a change is the noise of coding one picture twice."""
    change = changes[index]
    if change.largest > NOISE_LIMIT * sensitivity:
        return False
    sides = [
        [other for other in beside if not other.first and other.mean < SCENE_THRESHOLD]
        for beside in (
            changes[max(index - NEARBY, 0) : index],
            changes[index + 1 : index + NEARBY + 1],
        )
    ]
    # A side that the clip's beginning or end cuts off, or a cut, may lack the motion.
    most = max((other.largest for side in sides for other in side), default=0.0)
    moving = [side for side in sides if len(side) == NEARBY or _largest(side) == most > 0]
    return bool(moving) and all(
        change.largest <= NOISE * sensitivity * _largest(side)
        and change.average <= MEAN_NOISE * sensitivity * max(other.average for other in side)
        for side in moving
    )


def _largest(side: list[_Change]) -> float:
    return max((change.largest for change in side), default=0.0)


class Detector:
    """Measures each frame's change from the one before it by libav's scdet filter."""

    def __init__(self) -> None:
        """Start; the filter is set up for the first frame."""
        self._graph: av.filter.Graph | None = None

    def measure(self, image: VideoFrame) -> tuple[float, float]:
        """Return the mean change and the score, both 0 to 100; call in order of time.

        The score is the smaller of the change and its difference to the change before.
        """
        if self._graph is None:
            self._graph = _graph(image)
        self._graph.vpush(image)
        found = self._graph.vpull().metadata
        return float(found.get("lavfi.scd.mafd", "0")), float(found.get("lavfi.scd.score", "0"))


def _graph(image: VideoFrame) -> av.filter.Graph:
    graph = av.filter.Graph()
    entry = graph.add_buffer(
        width=image.width,
        height=image.height,
        format=image.format,
        time_base=image.time_base,
    )
    graph.link_nodes(entry, graph.add("scdet"), graph.add("buffersink")).configure()
    return graph

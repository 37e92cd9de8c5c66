"""What is seen in a stream of frames: scene cuts, and pictures that repeat the one before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import av
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from cdfi.video.pixels.formats import layout, read_components
from cdfi.video.timing.frame import SourceFrame

LEAD = 8  # frames before a start that make every decision the same as from the beginning
SCENE_THRESHOLD = 10.0  # libav's own default for scdet, in percent
BLOCK = 16
SAME_LEVEL = 0.5  # of an 8-bit code: the mean difference of any block of a repeat stays below


def mark_scenes(frames: Iterable[SourceFrame], threshold: float | None) -> Iterator[SourceFrame]:
    """``frames`` with ``cut`` and ``same`` filled in; no cuts are looked for without a threshold.

    Cuts come from libav's scdet filter: the mean difference to the frame before, less what the
    frame before already showed. A repeat differs in no block of 16 x 16 by half a level on average.
    """
    detector = None if threshold is None else Detector()
    before: VideoFrame | None = None
    for frame in frames:
        score = detector.score(frame.image) if detector else 0.0
        cut = threshold is not None and before is not None and score >= threshold
        same = before is not None and not cut and repeats(before, frame.image)
        before = frame.image
        yield replace(frame, is_cut=cut, is_repeat=same)


class Detector:
    """Scores each frame's change from the one before it, 0 to 100."""

    def __init__(self) -> None:
        self._graph: av.filter.Graph | None = None

    def score(self, image: VideoFrame) -> float:
        """The score of ``image``; call in order of time."""
        if self._graph is None:
            self._graph = _graph(image)
        self._graph.vpush(image)
        return float(self._graph.vpull().metadata.get("lavfi.scd.score", "0"))


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


def repeats(before: VideoFrame, image: VideoFrame) -> bool:
    """Whether ``image`` shows what ``before`` showed."""
    bits = layout(image.format.name).bits
    limit = SAME_LEVEL * (1 << (bits - 8))
    pairs = zip(read_components(before), read_components(image))
    return all(_alike(first.numpy(), second.numpy(), limit) for first, second in pairs)


def _alike(first: NDArray[np.generic], second: NDArray[np.generic], limit: float) -> bool:
    """Whether every block's mean difference is below ``limit`` codes; most pairs fail early."""
    sample = _difference(first[::BLOCK], second[::BLOCK])
    if sample.mean() >= limit:
        return False
    rows = np.add.reduceat(_difference(first, second), range(0, first.shape[0], BLOCK), axis=0)
    blocks = np.add.reduceat(rows, range(0, first.shape[1], BLOCK), axis=1)
    return bool(blocks.max() < limit * BLOCK * BLOCK)


def _difference(first: NDArray[np.generic], second: NDArray[np.generic]) -> NDArray[np.int32]:
    signed: NDArray[np.int32] = np.abs(first.astype(np.int32) - second.astype(np.int32))
    return signed

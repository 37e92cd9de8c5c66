"""Scoring of a method on a data set: one row of scores per image."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from typing import NamedTuple

import torch

from cdfi.common.prefetch import prefetch
from cdfi.evaluation.columns import Metric
from cdfi.evaluation.data.datasets import DataSet
from cdfi.evaluation.data.layouts import TripletFrames, Unreadable
from cdfi.evaluation.data.rgb_images import RgbImage, to_tensor
from cdfi.evaluation.data.videos import Video
from cdfi.evaluation.methods.method import Method

# Decoded triplets waiting for the network, and predictions waiting for their metrics: enough to
# compensate for slow ones, and few enough for 4K frames to fit the memory.
READ_AHEAD, SCORE_BEHIND = 2, 4
SCORERS = 2


@dataclass(frozen=True)
class Row:
    """The scores of one image; ``seconds`` of its prediction, None if it was not timed."""

    method: str
    dataset: str
    name: str
    scores: dict[str, float]
    seconds: float | None


@dataclass(frozen=True)
class Skipped:
    """An image that could not be scored, and why."""

    method: str
    dataset: str
    name: str
    reason: str


#: Called with every scored image and its prediction, in the order of the data set.
OnScored = Callable[[Row, TripletFrames, RgbImage], None]


@dataclass(frozen=True)
class Scorer:
    """Runs methods over data sets.

    Attributes:
        metrics: the columns.
        device: where the metrics are computed.
        keep_going: turn bad images into :class:`Skipped` rows instead of an error.
        watch: called for every scored image.
    """

    metrics: Sequence[Metric]
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    keep_going: bool = False
    watch: Sequence[OnScored] = ()

    def run(self, method: Method, dataset: DataSet | Video) -> Iterator[Row | Skipped]:
        """Yield a row per image of ``dataset``, when it is scored.

        One thread reads ahead of the method, and others compute the metrics after it.

        Raises:
            ValueError: an image is missing, unreadable, or of another size than its truth (with
                ``keep_going`` only if there is no image at all).
            OSError: a file cannot be read.
        """
        if not self.keep_going:
            dataset.check()
        waiting: deque[_Pending | Skipped] = deque()
        last: _Predicted | None = None
        items = prefetch(dataset.read(), READ_AHEAD)
        with closing(items), ThreadPoolExecutor(SCORERS) as pool:
            for item in items:
                outcome = self._predict(method, dataset.name, item, last)
                if isinstance(outcome, _Predicted):
                    last = outcome
                    row = pool.submit(self._score, method.name, dataset.name, outcome)
                    waiting.append(_Pending(row, outcome))
                else:
                    waiting.append(outcome)
                if len(waiting) > SCORE_BEHIND:
                    yield self._finish(waiting.popleft())
            while waiting:
                yield self._finish(waiting.popleft())

    def _predict(
        self,
        method: Method,
        dataset: str,
        item: TripletFrames | Unreadable,
        last: "_Predicted | None",
    ) -> "_Predicted | Skipped":
        try:
            if isinstance(item, Unreadable):
                raise ValueError(item.reason)
            start = time.perf_counter()
            image = method.predict(dataset, item.name, item.frame0, item.frame1, item.t)
            seconds = time.perf_counter() - start
        except (ValueError, OSError) as error:
            if not self.keep_going:
                raise
            return Skipped(method.name, dataset, item.name, str(error))
        before = _shown_before(item, last)
        return _Predicted(item, image, before, seconds if method.timed else None)

    @torch.no_grad()
    def _score(self, method: str, dataset: str, done: "_Predicted") -> Row | Skipped:
        shown = (done.image, done.frames.truth, *done.before)
        images = [to_tensor(image).to(self.device) for image in shown]
        try:
            scores = {
                metric.name: metric.function(*images[: 4 if metric.temporal else 2]).item()
                for metric in self.metrics
            }
        except ValueError as error:  # such as images too small for a metric
            if not self.keep_going:
                raise
            return Skipped(method, dataset, done.frames.name, str(error))
        return Row(method, dataset, done.frames.name, scores, done.seconds)

    def _finish(self, item: "_Pending | Skipped") -> Row | Skipped:
        if isinstance(item, Skipped):
            return item
        row = item.row.result()
        if isinstance(row, Skipped):
            return row
        for watch in self.watch:
            watch(row, item.done.frames, item.done.image)
        return row


class _Predicted(NamedTuple):
    frames: TripletFrames
    image: RgbImage
    before: tuple[RgbImage, RgbImage]  # the frame before in the prediction and in the truth
    seconds: float | None


class _Pending(NamedTuple):
    row: Future[Row | Skipped]
    done: _Predicted


def _shown_before(item: TripletFrames, last: _Predicted | None) -> tuple[RgbImage, RgbImage]:
    """Return the frame before ``item`` in the prediction and in the truth.

    It is the prediction before it in the same gap, or the source frame that begins the gap.
    """
    if last is not None and last.frames.frame0 is item.frame0 and last.frames.t < item.t:
        return last.image, last.frames.truth
    return item.frame0, item.frame0

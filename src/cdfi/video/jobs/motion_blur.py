"""Motion blur: each frame is the average of the instants while a camera's shutter is open."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NamedTuple

from av.video.frame import VideoFrame
from torch import Tensor

from cdfi.video.jobs.job import Job
from cdfi.video.jobs.job_frames import part_spans
from cdfi.video.jobs.renderer import Renderer, Sample
from cdfi.video.timing.frame import OutputFrame, SourceFrame
from cdfi.video.timing.spans import Span
from cdfi.video.timing.timeline import ConstantRateTimeline, Timeline

FULL_TURN = 16  # instants from one frame to the next; the shutter is open for some of them
DISPLAY_GAMMA = 2.2  # light is averaged instead of codes
HIGH_DYNAMIC_RANGE = (16, 18)  # libav's transfers PQ and HLG, whose codes are averaged


class BlurredItem(NamedTuple):
    """A frame, or a span of the source, with the number of the segment it belongs to."""

    segment: int
    frame: OutputFrame | None
    span: Span | None


def open_instants(angle: float) -> int:
    """Return how many of ``FULL_TURN`` instants are averaged for a shutter angle in degrees."""
    return max(round(FULL_TURN * angle / 360), 2)


def blurred_items(
    job: Job, renderer: Renderer, frames: Iterator[SourceFrame], segment_range: range
) -> Iterator[BlurredItem]:
    """Yield the frames that begin within the segments, and the spans that start there, in order.

    The instants of a frame may lie in several gaps of the source. Those after a scene cut are left
    out. If all of them show one source frame, it is used unchanged.
    """
    options = job.options
    exact = job.timeline.exact
    fine = options.timeline(job.source, job.index, exact=exact, parts=FULL_TURN)
    opened = open_instants(options.motion_blur or 0)
    exposure: _Exposure | None = None
    waiting: list[BlurredItem] = []
    for span in part_spans(job, frames, fine):
        segment = max(bisect_right(job.boundaries, span.left.pts) - 1, 0)
        if segment < segment_range.start:
            continue
        if segment < segment_range.stop:
            waiting.append(BlurredItem(segment, None, span))
        elif exposure is None:
            break
        if exposure is not None and span.left.is_cut:
            exposure.closed = True
        for phase, sample in _samples(span, fine, renderer, opened):
            if phase == 0:
                if exposure is not None:
                    yield exposure.item(job, fine, renderer)
                    exposure = None
                if segment >= segment_range.stop:
                    break
                yield from waiting
                waiting.clear()
                exposure = _Exposure(segment, job.source.colour.transfer, sample)
            elif exposure is not None and not exposure.closed:
                exposure.add(sample)
    if exposure is not None:
        yield exposure.item(job, fine, renderer)
    yield from waiting


def _samples(
    span: Span, fine: Timeline, renderer: Renderer, opened: int
) -> Iterator[tuple[int, Sample]]:
    """Yield the instants of a span while the shutter is open, with their number in a frame."""
    first = fine.number(span.left.pts) if isinstance(fine, ConstantRateTimeline) else 0
    phases = [(first + number) % FULL_TURN for number in range(len(span.instants))]
    chosen = [(phase, one) for phase, one in zip(phases, span.instants) if phase < opened]
    narrowed = replace(span, instants=[one for _, one in chosen])
    yield from zip((phase for phase, _ in chosen), renderer.samples(narrowed))


@dataclass
class _Exposure:
    """The light that has been collected for one frame of the segment ``segment``."""

    segment: int
    transfer: int
    first: Sample
    closed: bool = False

    def __post_init__(self) -> None:
        self.same: VideoFrame | None = self.first.shown
        self.light, self.alpha, self.count = self._light(self.first.rgb), self.first.alpha, 1

    def add(self, sample: Sample) -> None:
        """Add the light of an instant."""
        self.same = self.same if sample.shown is self.same else None
        self.light = self.light + self._light(sample.rgb)
        if self.alpha is not None and sample.alpha is not None:
            self.alpha = self.alpha + sample.alpha
        self.count += 1

    def item(self, job: Job, fine: Timeline, renderer: Renderer) -> BlurredItem:
        """Return the averaged frame, at the instant at which the shutter opened."""
        tick = Fraction(fine.time_base) / job.timeline.time_base
        pts = round(self.first.pts * tick)
        if self.same is not None:
            image = renderer.source_frame(self.same)
            return BlurredItem(self.segment, OutputFrame(pts, image, interpolated=False), None)
        rgb = self.light / self.count
        if self.transfer not in HIGH_DYNAMIC_RANGE:
            rgb = rgb ** (1 / DISPLAY_GAMMA)
        alpha = None if self.alpha is None else self.alpha / self.count
        image = renderer.converter.from_rgb(rgb, alpha, self.first.near)
        return BlurredItem(self.segment, OutputFrame(pts, image, interpolated=True), None)

    def _light(self, rgb: Tensor) -> Tensor:
        if self.transfer in HIGH_DYNAMIC_RANGE:
            return rgb
        return rgb.clamp(min=0) ** DISPLAY_GAMMA

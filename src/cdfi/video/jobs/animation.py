"""Write the result as an animated WebP or PNG, by Pillow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any

import av
from PIL import Image

from cdfi.common.files import media_url, move
from cdfi.video.jobs.job import Job
from cdfi.video.jobs.join import frame_times
from cdfi.video.jobs.segment_record import SegmentRecord
from cdfi.video.pixels.formats import layout, reformatted
from cdfi.video.writing.codecs import container_row

#: Arguments of Pillow for each format.
SETTINGS: dict[str, dict[str, Any]] = {
    "webp": {"quality": 90, "method": 4, "minimize_size": False},
    "apng": {"format": "PNG", "default_image": False},
}


def write_animation(job: Job, records: Sequence[SegmentRecord]) -> None:
    """Write the frames of all segments to the target, which appears in one step.

    Each time is rounded to milliseconds, so that times do not drift. The animation is repeated
    endlessly.
    """
    form = container_row(job.work.target).format
    images = _Images(job, records)
    part = job.work.new("result.part")
    settings = SETTINGS[form]
    with part.open("xb") as file:
        next(iter(images)).save(
            file,
            settings.get("format", form.upper()),
            save_all=True,
            append_images=_Images(job, records, skip=1),
            duration=_durations(job, records),
            loop=0,
            **{key: value for key, value in settings.items() if key != "format"},
        )
    move(part, job.work.target)


def _durations(job: Job, records: Sequence[SegmentRecord]) -> list[int]:
    """Return how long each frame is shown, in milliseconds."""
    times = [*frame_times(records), int(job.timeline.at(job.index.end))]
    milliseconds = [round(time * job.timeline.time_base * 1000) for time in times]
    return [max(after - before, 1) for before, after in pairwise(milliseconds)]


@dataclass(frozen=True)
class _Images:
    """The frames of all segments, decoded again each time: Pillow reads them twice for PNG."""

    job: Job
    records: Sequence[SegmentRecord]
    skip: int = 0

    def __iter__(self) -> Iterator[Image.Image]:
        return islice(self._decoded(), self.skip, None)

    def _decoded(self) -> Iterator[Image.Image]:
        for number, record in enumerate(self.records):
            if record.times:
                with av.open(media_url(self.job.work.segment(number, record))) as container:
                    for frame in container.decode(video=0):
                        alpha = layout(frame.format.name).alpha
                        plain = reformatted(frame, "rgba" if alpha else "rgb24")
                        yield Image.fromarray(plain.to_ndarray())

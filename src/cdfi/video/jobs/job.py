"""A job: everything that determines the result of interpolating one video."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import av
import numpy as np
from torch import Tensor

from cdfi.video.jobs.hold import held_fingerprint, hold_mask
from cdfi.video.jobs.sealed import file_fingerprint, text_digest
from cdfi.video.jobs.segment_record import SegmentRecord
from cdfi.video.jobs.workfolder import WorkFolder
from cdfi.video.options import Options
from cdfi.video.reading.index import Index
from cdfi.video.reading.reader import Reader
from cdfi.video.reading.source import Source
from cdfi.video.reading.stand_in import TIMES, images_of_stand_in, stand_in
from cdfi.video.timing.timeline import Timeline
from cdfi.video.writing.cut import Cut
from cdfi.video.writing.encoder import EncoderSettings
from cdfi.video.writing.streams import StreamPlan


@dataclass(frozen=True)
class Job:
    """Everything that determines the result.

    Attributes:
        source: the format of the video.
        index: the times of the frames that are interpolated.
        whole: the times of all frames of the video.
        timeline: the instants of the result.
        options: what the result is to be.
        encoding: the encoder's settings.
        work: the folder of finished segments.
        streams: what happens to the video's other streams.
    """

    source: Source
    index: Index
    whole: Index
    timeline: Timeline
    options: Options
    encoding: EncoderSettings
    work: WorkFolder
    streams: StreamPlan = field(default_factory=StreamPlan)

    @property
    def boundaries(self) -> list[int]:
        """The source time at which each segment starts."""
        return self.index.boundaries(self.options.segment)

    @property
    def hold(self) -> Tensor | None:
        """What is taken from the nearest source frame; None if that is nothing."""
        return hold_mask(self.options.hold, self.source)

    def reader(self) -> Reader:
        """Return a reader of the source's frames."""
        return Reader(self.source, self.whole, self.options.deinterlace)

    @property
    def frames_before(self) -> int:
        """How many frames of the video lie before the part that is interpolated."""
        return int(np.searchsorted(self.whole.times, self.index.first))

    @property
    def cut(self) -> Cut:
        """The part of the other streams that goes into the result."""
        index, whole, tick = self.index, self.whole, self.source.time_base
        return Cut(
            start=None if index.first == whole.first else index.first * tick,
            end=None if index.end == whole.end else index.end * tick,
        )

    def identity(self, model: str) -> dict[str, object]:
        """Return, as JSON values, what must be equal for finished segments to be reused.

        Args:
            model: fingerprint of the model.
        """
        return {
            "source": self.source_fingerprint(),
            "model": model,
            "options": self.options.as_json(),
            "held": held_fingerprint(self.options.hold),
            "encoder": [
                self.encoding.row.encoder,
                self.encoding.converter.target,
                dict(self.encoding.options),
                list(self.encoding.converter.size),
            ],
            "libav": libav_versions(),
        }

    def source_fingerprint(self) -> object:
        """Return digests of the size and the ends of the source's files."""
        path = self.source.path
        if stand_in(path) is None:
            return file_fingerprint(path)
        files = (*images_of_stand_in(path), path.with_name(TIMES))
        return text_digest(" ".join(map(file_fingerprint, files)))

    def finished(
        self, check: bool = False, among: Iterable[int] | None = None
    ) -> dict[int, SegmentRecord]:
        """Return the records of the finished segments by number.

        Args:
            check: compare each segment's file with its digest.
            among: numbers of segments; by default all.
        """
        numbers = range(len(self.boundaries)) if among is None else among
        found = {number: self.work.record(number, check) for number in numbers}
        return {number: record for number, record in found.items() if record is not None}


def libav_versions() -> str:
    """Return the versions of PyAV and of the libraries that encode and scale."""
    names = ("libavcodec", "libswscale")
    found = [".".join(map(str, av.library_versions[name])) for name in names]
    return f"{av.__version__} ({', '.join(found)})"

"""A job: everything that determines the result of interpolating one video."""

from __future__ import annotations

from dataclasses import dataclass

from cdfi.video.jobs.workfolder import WorkFolder
from cdfi.video.options import Options
from cdfi.video.reading.index import Index
from cdfi.video.reading.reader import Reader
from cdfi.video.reading.source import Source
from cdfi.video.timing.timeline import Clock
from cdfi.video.writing.encoder import EncoderSettings


@dataclass(frozen=True)
class Job:
    """Everything that determines the result."""

    source: Source
    index: Index
    clock: Clock
    options: Options
    encoding: EncoderSettings
    work: WorkFolder

    @property
    def boundaries(self) -> list[int]:
        """The source time at which each segment starts."""
        return self.index.boundaries(self.options.segment)

    def reader(self) -> Reader:
        """Return a reader of the source's frames."""
        return Reader(self.source, self.index, self.options.deinterlace)

    def missing(self) -> list[range]:
        """The segments that are not finished, as runs of neighbours."""
        runs: list[range] = []
        for number in range(len(self.boundaries)):
            if self.work.record(number) is not None:
                continue
            if runs and runs[-1].stop == number:
                runs[-1] = range(runs[-1].start, number + 1)
            else:
                runs.append(range(number, number + 1))
        return runs

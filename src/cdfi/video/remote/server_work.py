"""The work folder of a job at a server: unfinished files here, finished segments there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cdfi.video.jobs.sealed import file_digest
from cdfi.video.jobs.segment_record import SegmentRecord
from cdfi.video.jobs.workfolder import WorkFolder
from cdfi.video.remote.connection import RefusedError, ServerConnection

ENDED = (404, 409)  # answers about a job that needs no workers any more
DAMAGED = 422  # answer to a segment whose digest is wrong
ATTEMPTS = 3  # to send a segment that arrives damaged


@dataclass
class ServerWork(WorkFolder):
    """The same as :class:`WorkFolder`, with the records and the finished segments at a server.

    Attributes:
        connection: to the server.
        address: of the job there.
    """

    connection: ServerConnection = field(kw_only=True)
    address: str = field(kw_only=True)

    def recorded(self) -> set[int]:
        """Return the numbers of the finished segments."""
        return {*self.connection.ask("GET", f"{self.address}/claims")["finished"]}

    def record(self, number: int, check: bool = False) -> SegmentRecord | None:
        """Return a record without content if a segment is finished."""
        return SegmentRecord(0, "", []) if number in self.recorded() else None

    @property
    def is_served(self) -> bool:
        """Whether the job still needs segments."""
        try:
            self.connection.ask("GET", self.address)
        except RefusedError as error:
            if error.status in ENDED:
                return False
            raise
        return True

    def finish(
        self, number: int, times: list[int], counts: Mapping[str, int], seconds: float = 0.0
    ) -> None:
        """Send a segment's written file; the server verifies it, and moves it to its place.

        Raises:
            OSError: the server refuses it, or does not answer.
        """
        part, address = self.path / self._part_name(number), f"{self.address}/segments/{number}"
        record: dict[str, object] = {"times": times, "counts": dict(counts), "seconds": seconds}
        if times:
            record |= {"size": part.stat().st_size, "digest": file_digest(part)}
        for attempt in range(1, ATTEMPTS + 1):
            try:
                if times:
                    self.connection.append(address, part, worker=self.worker)
                self.connection.ask("PUT", address, record, worker=self.worker)
                break
            except RefusedError as error:
                if error.status != DAMAGED or attempt == ATTEMPTS:
                    raise
        part.unlink(missing_ok=True)

"""Comparison videos of finished jobs: created on the first request, kept while the server runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cdfi.serve.answers import ApiError
from cdfi.serve.helper_client import HelperClient
from cdfi.serve.job_ending import readable
from cdfi.serve.stored_job import StoredJob

SECONDS = 10  # length of one comparison, in seconds of the result


class Comparisons:
    """The comparison videos in a folder; a separate helper process makes them."""

    def __init__(self, folder: Path, helper: HelperClient) -> None:
        self.folder, self.helper = folder, helper

    def video(self, job: StoredJob, start: int) -> Path:
        """Return the path of the comparison that begins at second ``start``."""
        return self.folder / f"compare-{job.id}-{job.finished}-{start}.mp4"

    async def of(self, job: StoredJob, start: int) -> dict[str, Any]:
        """Return the times of a comparison, and make its video if it is not there.

        Raises:
            ApiError: a file cannot be read.
        """
        video = self.video(job, start)
        record = video.with_suffix(".json")
        if not record.is_file():
            found = await self._make(job, start, video)
            record.write_text(json.dumps({**found, "start": start, "length": SECONDS}))
        values: dict[str, Any] = json.loads(record.read_text())
        return values

    async def _make(self, job: StoredJob, start: int, video: Path) -> dict[str, Any]:
        try:
            found: dict[str, Any] = await self.helper.ask(
                "compare",
                sources=job.inputs,
                result=job.target,
                target=str(video),
                slow=str(job.options.get("slow", 1)),
                part=str(job.options.get("start", 0)),
                start=start,
                seconds=SECONDS,
            )
        except ApiError as error:
            raise ApiError(error.status, readable(str(error), job)) from None
        return found

"""``cdfi status``: how far planned videos are, and who works on them."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from cdfi.cli.console import stdout

if TYPE_CHECKING:
    from cdfi.video.jobs.status import JobStatus

Folders = Annotated[
    list[Path], Argument(help="Work folders: .NAME.cdfi-work in the folder of the result NAME.")
]
Json = Annotated[bool, Option("--json", help="Print a JSON object for each folder.")]


def status(folders: Folders, as_json: Json = False) -> None:
    """Show how far unfinished videos are: segments, frames, time left, and each worker.

    Example: cdfi status /films/.film_x2.mkv.cdfi-work
    """
    from cdfi.video.jobs.status import job_status

    for folder in folders:
        found = job_status(folder)
        if as_json:
            stdout.print(json.dumps(asdict(found), default=str), markup=False)
        else:
            _show(found)


def _show(found: "JobStatus") -> None:
    left = "unknown" if found.seconds_left is None else f"about {found.seconds_left / 60:.0f} min"
    stdout.print(
        f"{found.folder.name}: {found.finished} of {found.segments} segments, {found.written} of "
        f"{found.frames} frames, time left {left}",
        markup=False,
    )
    for claim in found.claims:
        who = claim.owner
        name = "an unknown worker" if who is None else f"process {who.process} on {who.host}"
        lost = ", lost: another worker will take it" if claim in found.lost else ""
        stdout.print(
            f"  segment {claim.number}: {name}, seen {claim.age:.0f} s ago{lost}", markup=False
        )
    if found.finished_by:
        counts = ", ".join(f"{count} by {name}" for name, count in found.finished_by.items())
        stdout.print(f"  finished: {counts}", markup=False)

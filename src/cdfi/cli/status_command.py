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
        state = job_status(folder)
        if as_json:
            stdout.print(json.dumps(asdict(state), default=str), markup=False)
        else:
            _show(state)


def _show(state: "JobStatus") -> None:
    left = "unknown" if state.seconds_left is None else f"about {state.seconds_left / 60:.0f} min"
    stdout.print(
        f"{state.folder.name}: {state.finished} of {state.segments} segments, {state.written} of "
        f"{state.frames} frames, time left {left}",
        markup=False,
    )
    for claim in state.claims:
        who = claim.owner
        name = "an unknown worker" if who is None else f"process {who.process} on {who.host}"
        lost = ", lost: another worker will take it" if claim in state.lost else ""
        stdout.print(
            f"  segment {claim.number}: {name}, seen {claim.age:.0f} s ago{lost}", markup=False
        )
    if state.finished_by:
        counts = ", ".join(f"{count} by {name}" for name, count in state.finished_by.items())
        stdout.print(f"  finished: {counts}", markup=False)

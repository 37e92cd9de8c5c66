"""The end of a job: its state, and a message."""

from __future__ import annotations

import json
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

from cdfi.common.exit_status import INTERRUPTED
from cdfi.serve.job_log import JobLog
from cdfi.serve.stored_job import State, StoredJob
from cdfi.video.jobs.sealed import read_sealed
from cdfi.video.jobs.workfolder import WorkFolder

MOST_BYTES = 1 << 20  # of a report


def read_report(path: Path) -> dict[str, Any]:
    """Return the last line of a report that is a JSON object, or an empty dictionary."""
    try:
        with path.open("rb") as file:
            lines = file.read(MOST_BYTES).decode("utf-8", "replace").splitlines()
    except OSError:
        return {}
    for line in reversed(lines):
        try:
            values = json.loads(line)
        except ValueError:
            continue
        if isinstance(values, dict):
            return values
    return {}


def describe_end(job: StoredJob, code: int | None, log: JobLog) -> tuple[State, str]:
    """Return the state of a job whose process has ended, and a message.

    Args:
        job: with its report.
        code: exit status of the process; None if it is unknown.
        log: of the run, read to its end.
    """
    if code in (0, None) and "target" in job.report and Path(job.target).exists():
        return "done", ""
    if job.state == "cancelling":
        return "cancelled", ""
    if code == INTERRUPTED or (code is None and not log.error):
        return "interrupted", "The process stopped before it was finished."
    if code is not None and code < 0:
        return "failed", _killed(-code, log)
    return "failed", log.error or f"The process ended with status {code}."


def kept_frames(job: StoredJob) -> int:
    """Return how many frames of an unfinished job are finished; a resumed run keeps them."""
    frames = 0
    for path in WorkFolder(Path(job.target)).path.glob("*.json"):
        record = read_sealed(path) if path.stem.isdecimal() else None
        frames += len(record["times"]) if isinstance(record, dict) else 0
    return frames


def discard_work(job: StoredJob) -> None:
    """Remove the finished segments of an unfinished job, which lie beside its result.

    A folder that was not created by cdfi, or that another process uses, is left alone.
    """
    work = WorkFolder(Path(job.target))
    if work.path.is_dir():
        with suppress(OSError), work.lock():
            work.clear()


def readable(text: str, job: StoredJob) -> str:
    """Return a message of the command with the user's names of files in place of paths."""
    names = [*zip(job.inputs, job.names), (job.target, job.download)]
    for path, name in names:
        text = text.replace(path, name)
    for path, name in names:
        text = text.replace(Path(path).name, name)
    return text


def _killed(number: int, log: JobLog) -> str:
    """Return the message for a process that was ended by a signal."""
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    memory = number == getattr(signal, "SIGKILL", 9)
    reason = ", perhaps because memory ran out" if memory else ""
    last = f" Its last line: {log.error}" if log.error else ""
    return f"The process was killed ({name}){reason}.{last}"

"""The log of a job: progress, rate, and the line of the error."""

import time
from pathlib import Path

import pytest

from cdfi.serve.job_log import JobLog


def add(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_progress_and_messages_are_distinguished(tmp_path: Path) -> None:
    log = JobLog(tmp_path / "log.txt")
    assert not log.update()  # there is no file yet
    add(log.path, '{"progress": {"done": 0, "total": null}}\nloading\n{"progress": {"do')
    assert log.update()
    assert (log.done, log.total, list(log.messages)) == (0, None, ["loading"])
    add(log.path, 'ne": 5, "total": 10}}\ncdfi: a warning\ncdfi: no space\nTraceback')
    log.finish()
    assert (log.done, log.total, log.error) == (5, 10, "no space")


def test_the_rate_is_that_of_the_last_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, clock = JobLog(tmp_path / "log.txt"), iter(range(0, 1000, 10))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(clock)))
    for done in (0, 10, 110, 210, 310):
        add(log.path, f'{{"progress": {{"done": {done}, "total": 410}}}}\n')
        log.update()
    assert log.rate == 10.0
    assert log.seconds_left == 10.0


@pytest.mark.parametrize("line", ['{"progress": 5}', '{"progress": {"done": "x"}}', '{"progress"'])
def test_a_damaged_line_is_a_message(tmp_path: Path, line: str) -> None:
    log = JobLog(tmp_path / "log.txt")
    add(log.path, f"{line}\n")
    log.update()
    assert (log.done, list(log.messages)) == (None, [line])

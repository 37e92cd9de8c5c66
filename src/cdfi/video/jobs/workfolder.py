"""The folder that keeps a job's finished segments until the result is whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from cdfi.common.files import write_text
from cdfi.common.lock import locked

VERSION = 1
ENDS = 1 << 20
FINISHED = (".json", ".png")


@dataclass(frozen=True)
class SegmentRecord:
    """A finished segment: its file's size, the times of its frames, what was decided in it.

    ``times`` count ticks of the result's time base; ``size`` is in bytes.
    """

    size: int
    times: list[int]
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class WorkFolder:
    """``.<name>.cdfi-work`` beside the target ``name``."""

    target: Path

    @property
    def path(self) -> Path:
        return self.target.parent / f".{self.target.name}.cdfi-work"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Own the folder during the block; afterwards it stays only where it keeps finished work.

        Raises BlockingIOError while another process owns it.
        """
        self.path.mkdir(exist_ok=True)
        empty = False
        try:
            with locked(self.path, self.target):
                try:
                    yield
                finally:
                    empty = not any(path.suffix in FINISHED for path in self.path.glob("[0-9]*"))
                    if empty:
                        self.clear()
        finally:
            if empty:
                with suppress(OSError):  # not empty any more: another run has come
                    (self.path / "lock").unlink()
                    self.path.rmdir()

    def begin(self, job: Mapping[str, object], fresh: bool) -> None:
        """Make the folder serve ``job`` (JSON values), or take it up where it serves it already.

        Raises ValueError where it holds another job's work, which only ``fresh`` discards.
        """
        wanted = json.loads(json.dumps({"version": VERSION, **job}))
        manifest = self.path / "manifest.json"
        if manifest.exists():
            found = _read_json(manifest)
            if found == wanted:
                return
            if not fresh:
                raise ValueError(
                    f"{self.path} keeps the work of an unfinished run with another "
                    f"{', '.join(_differences(found, wanted))}: repeat that run's command to "
                    "finish it, or give --overwrite to start again"
                )
            self.clear()
        write_text(manifest, json.dumps(wanted, indent=1), fsync=True)

    def segment(self, number: int) -> Path:
        """The media file of a segment."""
        return self.path / f"{number:06d}.mkv"

    def part(self, number: int) -> Path:
        """The media file of a segment that is still being written."""
        return self.path / f"{number:06d}.part"

    def finish(self, number: int, times: list[int], counts: Mapping[str, int]) -> None:
        """Move a segment's written file to its place and record it; after this it is safe."""
        size = 0
        if times:
            size = self.part(number).stat().st_size
            self.part(number).replace(self.segment(number))
        record = SegmentRecord(size, times, dict(counts))
        write_text(self.path / f"{number:06d}.json", json.dumps(asdict(record)), fsync=True)

    def record(self, number: int) -> SegmentRecord | None:
        """The record of a finished segment, None where it is not finished or its file is gone."""
        path = self.path / f"{number:06d}.json"
        if not path.exists():
            return None
        record = SegmentRecord(**json.loads(path.read_text()))
        media = self.segment(number)
        whole = not record.times or (media.exists() and media.stat().st_size == record.size)
        return record if whole else None

    def clear(self) -> None:
        """Remove everything but the lock."""
        for path in self.path.iterdir():
            if path.name != "lock":
                path.unlink()


def file_fingerprint(path: Path) -> str:
    """A digest of a file's size and of its first and last MiB."""
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        digest.update(file.read(ENDS))
        file.seek(max(size - ENDS, 0))
        digest.update(file.read(ENDS))
    return digest.hexdigest()


def _read_json(path: Path) -> dict[str, object]:
    """The values in ``path``; none where a broken file holds none."""
    try:
        values: dict[str, object] = json.loads(path.read_text())
    except ValueError:
        return {}
    return values


def _differences(found: Mapping[str, object], wanted: Mapping[str, object]) -> list[str]:
    """The entries that differ, by name."""
    return sorted(key for key in {*found, *wanted} if found.get(key) != wanted.get(key))

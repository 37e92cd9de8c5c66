"""The folder that keeps a job's finished segments until its result is complete."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from cdfi.common.files import write_text
from cdfi.video.jobs.folder_names import COMPLETE, LOCK, MANIFEST, MARKER, OURS, OWNER, folder_name
from cdfi.video.jobs.sealed import differing, file_digest, is_plain, read_sealed, seal, sealed_json
from cdfi.video.jobs.segment_record import SegmentRecord, record_of

VERSION = 2
MARKER_TEXT = "work folder of cdfi: it may be deleted when no run uses it\n"


@dataclass
class WorkFolder:
    """The folder ``.<name>.cdfi-work`` beside the target ``name``.

    Attributes:
        target: the result.
        job: a digest of the job that the folder serves; records of other jobs are ignored.
        image_suffix: of finished images.
        worker: a name in the names of this worker's files, so that no other worker writes them.
        keep: leave the folder when its lock is released, also without finished segments.
    """

    target: Path
    job: str = ""
    image_suffix: str = ".png"
    worker: str = ""
    keep: bool = False

    @property
    def path(self) -> Path:
        """The folder; the name of a target with a very long name is shortened in it."""
        return self.target.with_name(folder_name(self.target.name))

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Own the folder during the block; afterwards remove it unless it keeps finished work.

        Raises:
            BlockingIOError: another run owns it; the message names its process.
            FileExistsError: something else has its name, or it was not created by cdfi.
        """
        self._open()
        self._remove_unless_plain(LOCK)
        lock = FileLock(self.path / LOCK, timeout=0, is_singleton=False)
        try:
            lock.acquire()
        except Timeout:
            raise BlockingIOError(
                f"{self.target} is being written by another run (process {self._owner()}): "
                "wait for it or stop it"
            ) from None
        try:
            self._write(OWNER, str(os.getpid()))
            yield
        finally:
            kept = self.keep or self._finished()
            if not kept:
                self._remove()
            lock.release()
            if not kept:
                self._remove()  # systems that do not remove open files do it now

    def begin(self, job: Mapping[str, object], fresh: bool) -> str:
        """Make the folder serve ``job`` (JSON values); keep its segments if it served it before.

        Returns:
            A line that says why finished segments were discarded, or "".

        Raises:
            ValueError: the folder keeps another job's segments, and ``fresh`` is false.
        """
        wanted = self.serve(job)
        found = read_sealed(self.path / MANIFEST)
        (self.path / COMPLETE).unlink(missing_ok=True)
        if found == wanted:
            return ""
        if isinstance(found, dict) and not fresh:
            raise ValueError(
                f"{self.path} keeps the segments of an unfinished run with another "
                f"{', '.join(differing(found, wanted))}: repeat that run's command to finish "
                "it, or give --overwrite to start again"
            )
        discarded = self._finished()
        self.clear()
        self._write(MANIFEST, sealed_json(wanted, indent=1))
        if found is None and discarded:
            return "the record of its unfinished run is missing or damaged: started again"
        return ""

    def serve(self, job: Mapping[str, object]) -> dict[str, object]:
        """Accept the records of ``job`` (JSON values) from now on; return the manifest for it."""
        manifest: dict[str, object] = json.loads(json.dumps({"version": VERSION, **job}))
        self.job = seal(manifest)
        return manifest

    def segment(self, number: int, record: SegmentRecord | None = None) -> Path:
        """Return the media file of a segment: the one that a record names, else this worker's."""
        worker = f".{self.worker}" if self.worker else ""
        return self.path / (record.file if record and record.file else f"{number:06d}{worker}.mkv")

    def image(self, number: int) -> Path:
        """Return the file of a finished image."""
        return self.path / f"{number:06d}{self.image_suffix}"

    def part(self, number: int) -> Path:
        """Return the path of a new segment file, after removing an unfinished one."""
        return self.new(self._part_name(number))

    def new(self, name: str) -> Path:
        """Return the path ``name`` in the folder, after removing a file or link of that name.

        Raises:
            FileExistsError: there is a folder of that name.
        """
        path = self.path / name
        if path.is_dir() and not path.is_symlink():
            raise FileExistsError(f"{path} is a folder: move it away")
        path.unlink(missing_ok=True)
        return path

    def finish(
        self, number: int, times: list[int], counts: Mapping[str, int], seconds: float = 0.0
    ) -> None:
        """Rename a segment's written file and record it, which completes the segment.

        If another worker has finished it meanwhile, its result is kept. Each worker's file has a
        name of its own, and the record names it: so a record and a file always belong together.
        """
        part = self.path / self._part_name(number)
        if self.record(number) is not None:
            part.unlink(missing_ok=True)
            return
        found: dict[str, object] = {"seconds": round(seconds, 1)}
        if times:
            media = self.segment(number)
            found |= {"file": media.name, "size": part.stat().st_size, "digest": file_digest(part)}
            part.replace(media)
        self._record(number, times, counts, found)

    def finish_image(self, number: int) -> None:
        """Record a written image, which completes it."""
        path = self.image(number)
        found = {"size": path.stat().st_size, "digest": file_digest(path)}
        self._record(number, [number], {}, found)

    def record(self, number: int, check: bool = False) -> SegmentRecord | None:
        """Return the record of a finished segment or image of this job.

        Args:
            number: of the segment.
            check: compare its file with the digest.

        Returns:
            None if it is not finished, or if its record or its file is missing or damaged.
        """
        record = self._read_record(number)
        if record is None or not record.times:
            return record
        media = self._media(number, record)
        if media is None or media.stat().st_size != record.size:
            return None
        return None if check and file_digest(media) != record.digest else record

    def awaits_file(self, number: int) -> bool:
        """Return whether a segment has a record whose file is not there, or not to be seen yet."""
        record = self._read_record(number)
        return record is not None and bool(record.times) and self._media(number, record) is None

    def discard(self, number: int) -> None:
        """Remove the record and the claim of a segment, so that it counts as unfinished."""
        for suffix in (".claim", ".json"):
            (self.path / f"{number:06d}{suffix}").unlink(missing_ok=True)

    def _read_record(self, number: int) -> SegmentRecord | None:
        return record_of(read_sealed(self.path / f"{number:06d}.json"), self.job)

    def _media(self, number: int, record: SegmentRecord) -> Path | None:
        files = (self.segment(number, record), self.image(number))
        return next((path for path in files if is_plain(path)), None)

    def recorded(self) -> set[int]:
        """Return the numbers of the segments that have a record, whether or not it is valid."""
        names = (re.fullmatch(r"(\d{6,})\.json", path.name) for path in self.path.iterdir())
        return {int(name[1]) for name in names if name}

    def mark_complete(self) -> None:
        """Record that all segments are finished and verified, so that workers may leave."""
        self._write(COMPLETE, "")

    @property
    def is_served(self) -> bool:
        """Whether the folder is there and still needs segments of this job."""
        found = read_sealed(self.path / MANIFEST)
        is_served = isinstance(found, dict) and seal(found) == self.job
        return is_served and not (self.path / COMPLETE).exists()

    def differences(self, job: Mapping[str, object]) -> list[str]:
        """Return in what a job differs from the one that the folder serves; serve it if in none.

        Raises:
            ValueError: the folder has no readable manifest.
        """
        found = read_sealed(self.path / MANIFEST)
        if not isinstance(found, dict):
            raise ValueError(f"{self.path / MANIFEST} is missing or damaged: plan the job again")
        return differing(found, self.serve(job))

    def clear(self) -> None:
        """Remove the files that cdfi writes into a work folder; leave everything else alone."""
        self._clear(MANIFEST)  # first: a worker that claims a segment later finds it missing
        for path in sorted(self.path.iterdir()):
            self._clear(path.name)

    def _clear(self, name: str) -> None:
        """Remove a file if it has a name of ours."""
        path = self.path / name
        with suppress(IsADirectoryError, PermissionError, FileNotFoundError):
            if OURS.fullmatch(name) and not stat.S_ISDIR(path.lstat().st_mode):
                path.unlink()

    def _part_name(self, number: int) -> str:
        return f"{number:06d}.{self.worker}.part" if self.worker else f"{number:06d}.part"

    def _open(self) -> None:
        """Create the folder, or check that the one that is there was created by cdfi."""
        with suppress(FileExistsError):
            self.path.mkdir(mode=0o700)
        status = self.path.lstat()
        foreign = hasattr(os, "getuid") and status.st_uid != os.getuid()
        if not stat.S_ISDIR(status.st_mode) or foreign:
            raise FileExistsError(
                f"{self.path} is in the way: expected a folder of yours, found "
                f"{'one of another user' if foreign else 'a file or a link'}: move it away"
            )
        begun = re.compile(rf"\.{MARKER}\.[0-9a-f]{{16}}\.part")  # by a run that was killed
        if all(begun.fullmatch(path.name) for path in self.path.iterdir()):
            self._write(MARKER, MARKER_TEXT)
        else:
            self._check_marker()

    def _check_marker(self) -> None:
        marker = self.path / MARKER
        if not is_plain(marker) or marker.read_bytes() != MARKER_TEXT.encode():
            raise FileExistsError(
                f"{self.path} was not created by this version of cdfi: move it away or remove it"
            )

    def _remove_unless_plain(self, name: str) -> None:
        """Remove a link, or a second name of another file, that was put in place of a file."""
        path = self.path / name
        if os.path.lexists(path) and (not is_plain(path) or path.stat().st_nlink > 1):
            self.new(name)

    def _owner(self) -> str:
        """Return the process number of the run that owns the folder, if it is known."""
        path = self.path / OWNER
        text = path.read_text(errors="replace").strip() if is_plain(path) else ""
        return text if text.isdecimal() else "unknown"

    def _finished(self) -> bool:
        """Return whether the folder keeps finished segments or images."""
        return any(
            re.fullmatch(r"\d{6,}\.(json|png|exr)", path.name) for path in self.path.iterdir()
        )

    def _remove(self) -> None:
        """Remove the folder, unless it holds anything that is not ours."""
        with suppress(OSError):
            self.clear()
            (self.path / OWNER).unlink(missing_ok=True)
            if {entry.name for entry in os.scandir(self.path)} <= {LOCK, MARKER}:
                (self.path / LOCK).unlink(missing_ok=True)
                (self.path / MARKER).unlink(missing_ok=True)
                self.path.rmdir()

    def _record(
        self, number: int, times: list[int], counts: Mapping[str, int], found: Mapping[str, object]
    ) -> None:
        content = {"job": self.job, "times": times, "counts": dict(counts), "worker": self.worker}
        self._write(
            f"{number:06d}.json", sealed_json({**content, "size": 0, "digest": "", **found})
        )

    def _write(self, name: str, text: str) -> None:
        """Write a small file of ours; a link of its name is replaced, never followed."""
        write_text(self.path / name, text, fsync=True, follow_links=False)

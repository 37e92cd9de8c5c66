"""Write files atomically, and name files safely for the libraries that open them."""

import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

LONGEST_STEM = 40  # characters of the target's name that the name of its part file repeats
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL
_NEW |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


@contextmanager
def atomic_write(path: Path, *, fsync: bool = False, follow_links: bool = True) -> Iterator[Path]:
    """Yield a temporary path that replaces ``path`` in one step if the block succeeds.

    The temporary file is a new hidden file in the same folder (which is created if it is missing)
    and has the suffix of ``path``, from which writers derive the format. It is removed if the
    block fails. Targets that are not regular files (``/dev/stdout``, a named pipe) are written
    directly.

    Args:
        path: of the file to write.
        fsync: wait until the content is on the disk, for files that must survive a power cut.
        follow_links: if ``path`` is a link, replace the file that it names, not the link.

    Raises:
        OSError: the file cannot be written; the error names ``path``.
    """
    target = Path(os.path.realpath(path)) if follow_links else path
    if follow_links and target.exists() and not target.is_file():
        yield target
        return
    part = _part_of(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        create(part).close()
        yield part
        if fsync:
            with part.open("rb+") as file:
                os.fsync(file.fileno())
        part.replace(target)
    except OSError as error:
        if error.filename is not None and os.fsdecode(error.filename) == str(part):
            error.filename = str(path)
        raise
    finally:
        with suppress(OSError):  # after success it is already gone
            part.unlink()


def write_text(path: Path, text: str, *, fsync: bool = False, follow_links: bool = True) -> None:
    """Write ``text`` to ``path`` in UTF-8, atomically.

    Raises:
        OSError: as :func:`atomic_write`.
    """
    with atomic_write(path, fsync=fsync, follow_links=follow_links) as part:
        part.write_text(text, encoding="utf-8")


def create(path: Path) -> BinaryIO:
    """Create ``path`` and open it for reading and writing; never open an existing file.

    Raises:
        FileExistsError: there is already a file or a link of this name.
        OSError: the file cannot be created.
    """
    return os.fdopen(os.open(path, _NEW, 0o666), "w+b")


def move(path: Path, target: Path) -> None:
    """Move a finished file to ``target`` in one step, also from another file system."""
    try:
        path.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with atomic_write(target, fsync=True, follow_links=False) as part:
            shutil.copyfile(path, part)
        path.unlink()


def resolve_output(path: Path, overwrite: bool) -> Path:
    """Check that an output may be written to ``path``; return the file that is written.

    A link counts as existing. With ``overwrite`` it is followed: the file that it names is
    replaced or created, and the link stays.

    Raises:
        FileExistsError: ``path`` exists and ``overwrite`` is false.
        ValueError: ``path`` is part of a loop of links.
    """
    if os.path.lexists(path) and not overwrite:
        raise FileExistsError(f"{path} exists: give --overwrite to replace it")
    target = Path(os.path.realpath(path))
    if target.is_symlink():
        raise ValueError(f"{path} is a link that leads back to itself: remove it first")
    return target if path.is_symlink() else path


def require_parent(target: Path) -> None:
    """Raise FileNotFoundError if the folder of ``target`` does not exist."""
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{target.parent} does not exist: make the output folder first")


def check_apart(source: Path, target: Path) -> None:
    """Raise ValueError if the result would replace its source."""
    if source.exists() and target.exists() and target.samefile(source):
        raise ValueError(f"{target} is the source itself: expected another name for the result")


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal.

    Raises:
        OSError: it cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def media_url(path: str | Path) -> str:
    """Return the URL by which libav opens the file ``path``.

    Without the protocol, libav takes ``clip:1.mp4`` for a file of a protocol called "clip".
    """
    return f"file:{path}"


def _part_of(target: Path) -> Path:
    """Return an unused name in the folder of ``target``, short enough for every file system."""
    suffix = target.suffix if len(target.suffix) <= LONGEST_STEM else ""
    return target.with_name(f".{target.stem[:LONGEST_STEM]}.{secrets.token_hex(8)}.part{suffix}")

"""Files that appear whole: nobody ever sees half of one, and a failure leaves what was there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def whole(path: Path, lasting: bool = False) -> Iterator[Path]:
    """Where to write what becomes ``path``, in one step, when the block has ended well.

    That is a hidden file in the same folder (made where it is missing), this process's own, with
    the ending of ``path``, by which writers know the format; it is gone after a failure. A link is
    followed, and what is no file (``/dev/stdout``, a pipe) is written as it is.

    Args:
        path: of the file.
        lasting: come back only when the disk has it: for what must outlive a power cut.

    Raises:
        OSError: the file cannot be written; it names ``path``.
    """
    target = path.resolve()
    if target.exists() and not target.is_file():
        yield target
        return
    beside = target.with_name(f".{target.stem}.{os.getpid()}.part{target.suffix}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield beside
        if lasting:
            with beside.open("rb+") as file:
                os.fsync(file.fileno())
        beside.replace(target)
    except OSError as error:
        if error.filename is not None and os.fsdecode(error.filename) == str(beside):
            error.filename = str(path)
        raise
    finally:
        with suppress(OSError):  # as a rule it is gone by now
            beside.unlink()


def write_text(path: Path, text: str, lasting: bool = False) -> None:
    """Write ``text`` in UTF-8 so that ``path`` holds all of it or what it held before.

    Raises:
        OSError: as :func:`whole`.
    """
    with whole(path, lasting) as beside:
        beside.write_text(text, encoding="utf-8")

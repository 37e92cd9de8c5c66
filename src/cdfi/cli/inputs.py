"""The inputs of ``cdfi interpolate``: globs and folders of clips become lists of files."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from cdfi.common.image_numbers import CLIPS, IMAGES, images_of, is_sequence
from cdfi.common.paths import natural, visible_entries


class Inputs(NamedTuple):
    """What is to be interpolated.

    Attributes:
        paths: files, folders of images or patterns of images.
        several: whether the results go into a folder, even if there is a single one.
    """

    paths: list[Path]
    several: bool


def find_inputs(words: Sequence[Path]) -> Inputs:
    """Return the inputs that the arguments of the command name.

    A glob that the shell has not expanded stands for the files that match it, a folder of clips for
    its clips, both in natural order.

    Raises:
        OSError: a single input does not exist.
        ValueError: a glob matches nothing, or a folder holds both clips and images.
    """
    paths: list[Path] = []
    for word in words:
        paths += _matches(word) if _is_glob(word) else [word]
    found = [file for path in paths for file in (_clips(path) if path.is_dir() else [path])]
    if len(words) == 1 and len(found) == 1 and not found[0].exists():
        _require(found[0])
    return Inputs(found, len(words) > 1 or found != list(words))


def _is_glob(word: Path) -> bool:
    return not word.exists() and glob.has_magic(str(word)) and not is_sequence(word)


def _matches(word: Path) -> list[Path]:
    """Return the files that match a glob; ``**`` matches folders too."""
    root = Path(word.anchor) if word.is_absolute() else Path()
    found = sorted(root.glob(str(word.relative_to(word.anchor))), key=natural)
    if not found:
        raise ValueError(f"no file matches {word}")
    return found


def _clips(folder: Path) -> list[Path]:
    """Return the clips of a folder, or the folder if it holds images."""
    entries = visible_entries(folder)
    clips = sorted((path for path in entries if path.suffix.lower() in CLIPS), key=natural)
    images = [path for path in entries if path.suffix.lower() in IMAGES]
    if clips and len(images) > 1:
        raise ValueError(
            f"{folder} holds {len(clips)} clips and {len(images)} images: choose one kind, for "
            f"example '{folder / ('*' + clips[0].suffix)}'"
        )
    return clips or [folder]


def _require(path: Path) -> None:
    """Raise an error for a path that names nothing."""
    if is_sequence(path):
        if images_of(path).paths:
            return
        raise FileNotFoundError(f"no file has a name like {path}")
    if str(path) != "-":
        raise FileNotFoundError(f"{path} does not exist")


@contextmanager
def created(folder: Path) -> Iterator[None]:
    """Create ``folder``; if the block fails, remove what was created and is still empty."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        for path in missing:
            with suppress(OSError):
                path.rmdir()
        raise

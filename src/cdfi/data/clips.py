"""A folder of videos, decoded once into a cache of takes: continuous runs of frames."""

import csv
import hashlib
import json
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cdfi.common.files import atomic_write, write_text
from cdfi.common.image_numbers import STREAMS, VIDEOS
from cdfi.common.paths import visible
from cdfi.common.progress import Progress
from cdfi.data.decode import decode
from cdfi.data.storage import check_unreadable, folder_key, mapped
from cdfi.data.takes import takes

SUFFIXES = frozenset((*VIDEOS, *STREAMS))


class Take(NamedTuple):
    """A continuous run of frames in the cache."""

    file: Path
    source: str
    frames: int
    height: int
    width: int

    @property
    def held_out(self) -> bool:
        """Whether it is used for validation, never for training."""
        return is_held_out(self.source)

    def pixels(self) -> np.ndarray:
        """Return the frames, uint8 (T, H, W, 3), memory-mapped."""
        return mapped(self.file)


def video_paths(folder: Path) -> list[Path]:
    """Return the videos under a folder, in a stable order.

    Raises:
        ValueError: the folder does not exist or holds no video.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder: give one that holds videos")
    paths = visible(folder, SUFFIXES)
    if not paths:
        raise ValueError(f"{folder} holds no videos ({', '.join(sorted(SUFFIXES))})")
    return paths


def sources(folder: Path) -> dict[str, str]:
    """Return the video that each file was cut from, by ``CLIPS.tsv`` in the folder or its parent.

    Shots of one video share scenes, so all of them are held out for validation, or none. A video
    that the table does not name is a source of its own.

    Raises:
        ValueError: the table has no columns file, source_repository and source_path.
    """
    for table in (folder / "CLIPS.tsv", folder.parent / "CLIPS.tsv"):
        if table.is_file():
            with table.open(encoding="utf-8", newline="") as lines:
                rows = csv.DictReader(lines, delimiter="\t")
                columns = ("file", "source_repository", "source_path")
                if not set(columns) <= set(rows.fieldnames or ()):
                    raise ValueError(f"{table} must have the columns {', '.join(columns)}")
                return {
                    row["file"]: f"{row['source_repository']}/{row['source_path']}" for row in rows
                }
    return {}


def is_held_out(source: str, one_in: int = 12) -> bool:
    """Return whether a source video is for validation, one in ``one_in``, by a hash of its name."""
    digest = hashlib.sha256(f"validation {source}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % one_in == 0


def cached_takes(
    folder: Path,
    cache: Path,
    lines: int = 360,
    progress: Progress | None = None,
) -> list[Take]:
    """Return the takes of every video under a folder; they are decoded on first use.

    Args:
        folder: videos, at any depth.
        cache: folder of decoded frames, one ``.npy`` file for each take.
        lines: frames whose shorter side is longer than this are scaled down to it.
        progress: called with the videos done and their total while decoding.

    Raises:
        ValueError: no videos, more than 1 % of them unreadable, or none with three frames of one
            shot.
    """
    paths, names = video_paths(folder), sources(folder)
    found: list[Take] = []
    failures: list[str] = []
    for done, path in enumerate(paths):
        try:
            found += _takes_of(path, names.get(path.name, path.name), cache, lines)
        except ValueError as error:
            failures.append(str(error))
        if progress is not None:
            progress(done + 1, len(paths))
    check_unreadable(failures, len(paths), "videos")
    for failure in failures:
        warnings.warn(f"left out an unreadable video: {failure}", stacklevel=2)
    if not found:
        raise ValueError(f"no video in {folder} has three different frames without a cut")
    return found


def _takes_of(path: Path, source: str, cache: Path, lines: int) -> list[Take]:
    """Return the takes of one video.

    Its index is written last, so a video whose decoding was interrupted is decoded again.
    """
    folder = cache / f"{path.stem}-{folder_key([path], str(lines))}"
    index = folder / "takes.json"
    shapes = _shapes(index)
    if shapes is None:
        shapes = [
            _save(take, folder / f"{i}.npy") for i, take in enumerate(takes(decode(path, lines)))
        ]
        write_text(index, json.dumps(shapes))
    return [Take(folder / f"{i}.npy", source, *shape) for i, shape in enumerate(shapes)]


def _shapes(index: Path) -> list[tuple[int, int, int]] | None:
    """Return the sizes of the takes in an index; None if it is missing or damaged."""
    try:
        rows = json.loads(index.read_text(encoding="utf-8"))
        return [(int(frames), int(height), int(width)) for frames, height, width in rows]
    except (OSError, ValueError, TypeError):
        return None


def _save(take: np.ndarray, file: Path) -> tuple[int, int, int]:
    with atomic_write(file) as beside, beside.open("wb") as out:
        np.save(out, take)
    frames, height, width, _ = take.shape
    return frames, height, width

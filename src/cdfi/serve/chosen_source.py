"""The source that a request names: uploaded files, or paths below the root folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from cdfi.common.paths import natural
from cdfi.serve.answers import ApiError
from cdfi.serve.media_names import IMAGES, VIDEOS, suffix_of
from cdfi.serve.root_folder import RootFolder
from cdfi.serve.uploads import Uploads

Kind = Literal["video", "images", "folder"]
MOST_IMAGES = 100_000


@dataclass(frozen=True)
class ChosenSource:
    """The files that a request names.

    Attributes:
        kind: a video, two images, or a folder of images.
        name: shown to users.
        paths: of the files; of the folder, if it lies below the root.
        names: of the files, shown to users.
        uploaded: whether the files are uploads.
        folder: where a result in place goes; None for uploads.
    """

    kind: Kind
    name: str
    paths: tuple[Path, ...]
    names: tuple[str, ...]
    uploaded: bool
    folder: Path | None = None


class Sources:
    """Find the files that requests name."""

    def __init__(self, uploads: Uploads, root: RootFolder) -> None:
        self.uploads, self.root = uploads, root

    def find(self, given: Any) -> ChosenSource:
        """Return the source that a request names.

        Args:
            given: ``{"files": [ID, ...]}`` or ``{"paths": [PATH, ...]}``.

        Raises:
            ApiError: a file does not exist, or the files do not go together.
        """
        if not isinstance(given, dict) or len(given) != 1 or not {*given} <= {"files", "paths"}:
            raise ApiError(400, 'expected a source {"files": [ID]} or {"paths": [PATH]}')
        ((key, names),) = given.items()
        if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
            raise ApiError(400, f"expected a list of texts for {key}")
        if not 1 <= len(names) <= MOST_IMAGES:
            raise ApiError(400, f"expected 1 to {MOST_IMAGES} {key}, got {len(names)}")
        return self._uploaded(names) if key == "files" else self._below_root(names)

    def _uploaded(self, upload_ids: list[str]) -> ChosenSource:
        found = [
            (self.uploads.get(upload_id).name, self.uploads.path(upload_id))
            for upload_id in upload_ids
        ]
        found.sort(key=lambda row: natural(Path(row[0])))
        names, paths = zip(*found)
        return ChosenSource(_kind(names), _title(names), paths, names, uploaded=True)

    def _below_root(self, given: list[str]) -> ChosenSource:
        paths = [self.root.resolve(name) for name in given]
        names = tuple(PurePosixPath(name).name or "root" for name in given)
        if len(paths) == 1 and paths[0].is_dir():
            _check_folder(paths[0], given[0])
            return ChosenSource("folder", names[0], (paths[0],), names, False, paths[0].parent)
        if not all(path.is_file() for path in paths):
            raise ApiError(400, "expected one folder, or files")
        kind = _kind(names)
        if kind == "folder":
            raise ApiError(400, "for more than two images, choose their folder")
        return ChosenSource(kind, _title(names), tuple(paths), names, False, paths[0].parent)


def _check_folder(path: Path, name: str) -> None:
    """Raise ApiError for a folder that is not one of images."""
    suffixes = [suffix_of(one.name) for one in path.iterdir() if not one.name.startswith(".")]
    if not name or sum(suffix in IMAGES for suffix in suffixes) < 2:
        raise ApiError(
            400, f"{name or 'the root folder'}: expected a folder with two images or more"
        )
    if VIDEOS.intersection(suffixes):
        raise ApiError(400, f"{name} holds videos: choose them one by one")


def _kind(names: tuple[str, ...]) -> Kind:
    """Return what files with these names are together.

    Raises:
        ApiError: they are not one video, or several images.
    """
    images = [suffix_of(name) in IMAGES for name in names]
    if len(names) == 1 and not images[0]:
        return "video"
    if len(names) < 2 or not all(images):
        raise ApiError(400, "expected one video, two images, or a folder of images as a source")
    return "images" if len(names) == 2 else "folder"


def _title(names: tuple[str, ...]) -> str:
    """Return a name for several files."""
    if len(names) <= 2:
        return " + ".join(names)
    return f"{names[0]} + {len(names) - 1} more"

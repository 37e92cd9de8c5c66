"""Triplets of image files: Vimeo-90K in its own layout, or any folder of folders of three."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from cdfi.common.image_numbers import STILLS
from cdfi.common.paths import natural, visible
from cdfi.data.batch import Batch, SampleRequest, from_frames

Paths = tuple[Path, Path, Path]
_MOST_UNREADABLE = 0.01  # as a fraction


def vimeo_triplets(folder: Path, names: str = "tri_trainlist.txt") -> list[Paths]:
    """Return the triplets that a Vimeo-90K list names.

    Raises:
        ValueError: the list does not exist or is empty.
    """
    listing = folder / names
    if not listing.is_file():
        raise ValueError(
            f"{listing} not found: give the unpacked vimeo_triplet folder, with sequences/ "
            f"and {names}"
        )
    lines = [line.strip() for line in listing.read_text(encoding="utf-8").splitlines()]
    folders = [folder / "sequences" / line for line in lines if line]
    if not folders:
        raise ValueError(f"{listing} names no triplets")
    return [(path / "im1.png", path / "im2.png", path / "im3.png") for path in folders]


def folder_triplets(folder: Path) -> list[Paths]:
    """Return the images of every folder below that holds exactly three, in natural order.

    Raises:
        ValueError: there is none.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder: give one that holds folders of three images")
    by_folder: dict[Path, list[Path]] = {}
    for path in visible(folder, STILLS):
        by_folder.setdefault(path.parent, []).append(path)
    threes = [sorted(files, key=natural) for files in by_folder.values() if len(files) == 3]
    found: list[Paths] = [(first, middle, last) for first, middle, last in threes]
    if not found:
        raise ValueError(
            f"{folder} holds no folder of exactly three images (first, middle, last by name)"
        )
    return found


def load_triplet(paths: Paths) -> np.ndarray:
    """Return three images as uint8 (3, H, W, 3).

    Raises:
        ValueError: one cannot be read, or their sizes differ.
    """
    frames = [_load(path) for path in paths]
    if len({frame.shape for frame in frames}) > 1:
        sizes = [frame.shape[:2] for frame in frames]
        raise ValueError(f"the images in {paths[0].parent} have different sizes: {sizes}")
    return np.stack(frames)


def _load(path: Path) -> np.ndarray:
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"))
    except (OSError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error


class Triplets:
    """Triplets of image files in random order, each once in a pass.

    An unreadable triplet is named in a warning and replaced by the next one; if more than 1 % are
    unreadable, the run stops.

    Args:
        triplets: the files.
        crop: side of random square crops in pixels; 0 keeps full frames, which then must have one
            size.
        seed: of the order.

    Raises:
        ValueError: there are no triplets.
    """

    def __init__(self, triplets: Sequence[Paths], crop: int, seed: int = 0) -> None:
        if not triplets:
            raise ValueError(
                "every triplet is held out for validation, as one group in 64 is by its name: give "
                "more triplets, or rename a folder"
            )
        self._triplets, self._crop, self._seed = triplets, crop, seed
        self._unreadable: set[Paths] = set()
        self._order: tuple[int, np.ndarray] = (-1, np.empty(0))

    @property
    def size(self) -> int:
        """The number of triplets."""
        return len(self._triplets)

    def samples(self, requests: Sequence[SampleRequest]) -> Batch:
        """Return the requested triplets, cropped.

        Raises:
            ValueError: frames smaller than the crop or, uncropped, of different sizes; or more
                than 1 % of the triplets unreadable.
        """
        crops = [self._crop_of(self._read(request.number), request.random) for request in requests]
        if len({crop.shape for crop in crops}) > 1:
            sizes = sorted({crop.shape[1:3] for crop in crops})
            raise ValueError(f"frames of different sizes {sizes} need a --crop that fits them all")
        return from_frames(np.stack(crops))

    def _read(self, index: int) -> np.ndarray:
        for after in range(self.size):
            triplet = self._at(index + after)
            if triplet in self._unreadable:
                continue
            try:
                return load_triplet(triplet)
            except ValueError as error:
                self._count_unreadable(triplet, error)
        raise ValueError("none of the triplets can be read")

    def _at(self, index: int) -> Paths:
        passes, position = divmod(index, self.size)
        if self._order[0] != passes:
            random = np.random.default_rng((self._seed, passes))
            self._order = passes, random.permutation(self.size)
        return self._triplets[int(self._order[1][position])]

    def _count_unreadable(self, triplet: Paths, error: ValueError) -> None:
        self._unreadable.add(triplet)
        count = len(self._unreadable)
        if count > _MOST_UNREADABLE * self.size:
            raise ValueError(
                f"{count} of {self.size} triplets cannot be read (at most 1 % may be); last: "
                f"{error}"
            ) from error
        warnings.warn(f"skipped ({count} so far): {error}", stacklevel=2)

    def _crop_of(self, frames: np.ndarray, random: np.random.Generator) -> np.ndarray:
        if not self._crop:
            return frames
        most_top, most_left = (length - self._crop for length in frames.shape[1:3])
        if min(most_top, most_left) < 0:
            raise ValueError(
                f"a frame of {frames.shape[2]} x {frames.shape[1]} is smaller than the crop of "
                f"{self._crop}; use a smaller --crop"
            )
        top, left = random.integers(most_top + 1), random.integers(most_left + 1)
        return frames[:, top : top + self._crop, left : left + self._crop]

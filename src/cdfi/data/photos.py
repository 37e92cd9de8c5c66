"""A folder of still photos, decoded once into one memory-mapped array of one size."""

import warnings
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from PIL import Image, ImageOps

from cdfi.common.files import atomic_write
from cdfi.common.image_numbers import STILLS
from cdfi.common.paths import visible
from cdfi.data.storage import check_unreadable, folder_key

_LANDSCAPE = (720, 1080)  # rows and columns of a stored photo


def photo_paths(folder: Path) -> list[Path]:
    """Return the image files under a folder, in a stable order.

    Raises:
        ValueError: the folder does not exist or holds no image.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder: give one that holds still photos")
    paths = visible(folder, STILLS)
    if not paths:
        raise ValueError(f"{folder} holds no images ({', '.join(sorted(STILLS))})")
    return paths


def load_photo(path: Path, size: tuple[int, int]) -> np.ndarray:
    """Return a photo as uint8 (height, width, 3): portraits are rotated, the centre resized."""
    with Image.open(path) as image:
        upright = ImageOps.exif_transpose(image).convert("RGB")
    if upright.height > upright.width:
        upright = upright.transpose(Image.Transpose.ROTATE_90)
    return np.asarray(ImageOps.fit(upright, size[::-1], Image.Resampling.LANCZOS))


def photo_cache(folder: Path, cache: Path, size: tuple[int, int] = _LANDSCAPE) -> Path:
    """Return the ``.npy`` file, uint8 (photos, height, width, 3), of the photos of a folder.

    It is written on first use. Unreadable photos are named in a warning and left out.

    Raises:
        ValueError: no photos, or more than 1 % of them unreadable.
    """
    paths = photo_paths(folder)
    file = cache / f"photos-{folder_key(paths, str(size))}.npy"
    if not file.exists():
        _write(paths, size, file)
    return file


def _write(paths: list[Path], size: tuple[int, int], file: Path) -> None:
    """Decode every photo, one in memory at a time, and write the file atomically."""
    with atomic_write(file) as beside:
        rows = open_memmap(beside, mode="w+", dtype=np.uint8, shape=(len(paths), *size, 3))
        good = _decode_into(rows, paths, size)
        rows.flush()
        if good < len(paths):
            with atomic_write(beside) as shorter, shorter.open("wb") as out:
                np.save(out, rows[:good])


def _decode_into(rows: np.ndarray, paths: list[Path], size: tuple[int, int]) -> int:
    """Fill the first rows with the photos that can be read, and return their number."""
    good = 0
    failures: list[str] = []
    for path in paths:
        try:
            rows[good] = load_photo(path, size)
            good += 1
        except (OSError, ValueError, Image.DecompressionBombError) as error:
            failures.append(f"{path}: {error}")
    check_unreadable(failures, len(paths), "photos")
    for failure in failures:
        warnings.warn(f"left out an unreadable photo: {failure}", stacklevel=4)
    return good

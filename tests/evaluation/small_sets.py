"""Tiny data sets on disk for the tests of the evaluation and of its commands."""

from pathlib import Path

import numpy as np
from PIL import Image

NAMES = ("im1.png", "im2.png", "im3.png")


def noise(seed: int, height: int = 24, width: int = 32) -> np.ndarray:
    """Random RGB bytes (H, W, 3)."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def save(path: Path, pixels: np.ndarray) -> Path:
    """Write ``pixels`` as an image."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def triplet_set(root: Path, count: int = 3, names: tuple[str, ...] = NAMES) -> Path:
    """``count`` folders "1", "2", ... of three images each."""
    for number in range(1, count + 1):
        for i, name in enumerate(names):
            save(root / str(number) / name, noise(10 * number + i))
    return root

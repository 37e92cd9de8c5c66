"""Images for evaluation: files of 8-bit RGB, and their arrays."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from cdfi.common.files import atomic_write
from cdfi.common.png import PNG_HEAD, png_depth
from cdfi.common.rounding import to_bytes

#: (H, W, 3) RGB, 0 to 255.
RgbImage = NDArray[np.uint8]

# Formats of which Pillow reports whether an image has 8 bits.
FORMATS = ("PNG", "JPEG", "BMP", "WEBP")
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
NAMES_OF_MODES = {"L": "grey", "LA": "grey with alpha", "RGBA": "RGB with alpha", "P": "palette"}


def read_rgb_image(path: Path) -> RgbImage:
    """Return the pixels of an 8-bit RGB file, ``(H, W, 3)``.

    Raises:
        ValueError: the file is missing, damaged or not 8-bit RGB; the message names it.
    """
    try:
        with Image.open(path, formats=FORMATS) as image:
            kind = _kind(image, path)
            if kind != "RGB":
                raise ValueError(f"{path}: expected an 8-bit RGB image, got {kind}; convert it")
            return np.array(image)
    except FileNotFoundError as error:
        raise ValueError(f"{path}: no such file") from error
    except UnidentifiedImageError as error:
        raise ValueError(f"{path}: not an image of {', '.join(FORMATS)}") from error
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path}: cannot be read: {error}") from error


def _kind(image: Image.Image, path: Path) -> str:
    """Return the kind of an opened image: "RGB" if it is 8-bit RGB."""
    # Pillow opens 16-bit RGB as if it had 8 bits. The depth of a PNG is in its header.
    if image.format == "PNG":
        with path.open("rb") as file:
            depth = png_depth(file.read(PNG_HEAD))
        if depth > 8:
            return f"{depth} bits a channel"
    return NAMES_OF_MODES.get(image.mode, image.mode)


def size_text(image: RgbImage) -> str:
    """Return width and height for a message."""
    return f"{image.shape[1]} x {image.shape[0]}"


def save_rgb_image(path: Path, image: RgbImage) -> None:
    """Write a PNG atomically, and make its folder if it is missing."""
    with atomic_write(path) as beside:
        Image.fromarray(image).save(beside, format="PNG")


def to_tensor(image: RgbImage) -> Tensor:
    """Return ``(H, W, 3)`` bytes as a float32 batch ``(1, 3, H, W)`` in [0, 1]."""
    return torch.tensor(image).permute(2, 0, 1)[None].float() / 255


def to_rgb_image(batch: Tensor) -> RgbImage:
    """Return a batch of one, ``(1, 3, H, W)`` in [0, 1], rounded to bytes: clamped, halves upward.

    torchvision's ``save_image`` rounds like this, and most published tables depend on it.
    """
    pixels = to_bytes(batch[0])
    return np.ascontiguousarray(pixels.permute(1, 2, 0).cpu().numpy())

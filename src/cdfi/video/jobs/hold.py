"""The mask of the parts of a frame that are not interpolated, from boxes and images."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from cdfi.video.jobs.sealed import file_fingerprint
from cdfi.video.pixels.formats import reformatted
from cdfi.video.pixels.orientation import orientation
from cdfi.video.writing.image_files import read_image

if TYPE_CHECKING:
    from cdfi.video.reading.source import Source

_BOX = re.compile(r"\s*,\s*".join([r"(\d{1,9})"] * 4))


def hold_mask(held: Sequence[str], source: Source) -> Tensor | None:
    """Return a mask (1, H, W) in [0, 1] of what is taken from the nearest source frame.

    Boxes and images apply to frames as they are shown; the mask, to frames as they are stored.

    Args:
        held: boxes as ``X,Y,WIDTH,HEIGHT`` in pixels from the top left corner, and images: white
            is held, black is interpolated, grey is mixed.
        source: whose frames they are.

    Returns:
        None if nothing is held.

    Raises:
        OSError: an image cannot be read.
        ValueError: an image has another size, or a box lies outside the frame.
    """
    turned = orientation(source.matrix)
    mask = image_mask(held, *turned.shown_size(source.width, source.height))
    return None if mask is None else turned.stored(mask)


def image_mask(held: Sequence[str], width: int, height: int) -> Tensor | None:
    """Return the mask (1, H, W) for images of this size; see :func:`hold_mask`."""
    if not held:
        return None
    mask = torch.zeros(1, height, width)
    for text in held:
        box = _BOX.fullmatch(text.strip())
        if box is None:
            mask = torch.maximum(mask, _read_mask(Path(text), width, height))
            continue
        left, top, across, down = map(int, box.groups())
        if left >= width or top >= height or not across or not down:
            raise ValueError(f"hold {text}: the box lies outside the {width} x {height} pixels")
        mask[:, top : top + down, left : left + across] = 1
    return mask


def held_fingerprint(held: Sequence[str]) -> list[str]:
    """Return texts that are equal if the masks are equal."""
    return [text if _BOX.fullmatch(text.strip()) else file_fingerprint(Path(text)) for text in held]


def _read_mask(path: Path, width: int, height: int) -> Tensor:
    if not path.exists():
        raise FileNotFoundError(
            f"{path} does not exist: hold expects an image, or a box as X,Y,WIDTH,HEIGHT"
        )
    image = read_image(path)
    if (image.width, image.height) != (width, height):
        raise ValueError(
            f"{path} is {image.width} x {image.height}, expected a mask of the frames' size, "
            f"{width} x {height}"
        )
    return torch.from_numpy(reformatted(image, "gray").to_ndarray())[None] / 255

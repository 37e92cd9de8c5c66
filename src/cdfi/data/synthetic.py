"""Synthetic triplets from a folder of still photos."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from cdfi.data.batch import Batch, SampleRequest, uniform
from cdfi.data.render import render
from cdfi.data.scenes import LAYERS, NUMBERS, Scene, draw_scene
from cdfi.data.storage import mapped


class Synthetic:
    """Layered scenes rendered on the fly.

    Args:
        photos: ``.npy`` file, uint8 (photos, height, width, 3), as ``photo_cache`` writes it.
        crop: side of the square frames, in pixels.
        motion: longest translation of a layer over a half step, in pixels.

    Raises:
        ValueError: the photos are smaller than the crop.
    """

    def __init__(self, photos: Path, crop: int, motion: float = 14.0) -> None:
        height, width = mapped(photos).shape[1:3]
        if crop > min(height, width):
            raise ValueError(
                f"photos are stored at {width} x {height}, too small for a crop of {crop}; use a "
                "smaller --crop"
            )
        self._photos, self._crop, self._motion = photos, crop, motion

    @property
    def size(self) -> int:
        """The number of scenes in one pass: a hundred for each photo."""
        return 100 * len(mapped(self._photos))

    def samples(self, requests: Sequence[SampleRequest]) -> Batch:
        """Return one scene for each request."""
        numbers = uniform([request.random for request in requests], (LAYERS, NUMBERS))
        scene = draw_scene(numbers, self._crop, self._motion)
        return render(scene, self._patches(scene), self._crop)

    def _patches(self, scene: Scene) -> Tensor:
        """Return the patch of each existing layer from its photo, (N, 5, 3, P, P) uint8."""
        photos = mapped(self._photos)
        side, corners = patch_corners(scene, photos.shape, self._crop)
        patches = torch.empty(len(corners), LAYERS, side, side, 3, dtype=torch.uint8)
        for sample, shapes in enumerate(scene.shapes.tolist()):
            for layer in range(shapes + 1):
                photo, top, left = corners[sample, layer].tolist()
                view = photos[photo, top : top + side, left : left + side]
                patches[sample, layer].numpy()[...] = view
        return patches.permute(0, 1, 4, 2, 3)


def patch_corners(scene: Scene, shape: Sequence[int], crop: int) -> tuple[int, Tensor]:
    """Return the side of the patches, and (N, 5, 3) photo, top row and left column of each.

    A patch is twice as large as the frame: scaled by up to 2 and moving, its border is rarely
    visible.
    """
    count, height, width = shape[:3]
    side = min(2 * crop, height, width)
    ranges = (count, height - side + 1, width - side + 1)
    corners = [(scene.photo[..., i] * ranges[i]).long() for i in range(3)]
    return side, torch.stack(corners, -1)

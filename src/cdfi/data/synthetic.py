"""Synthetic triplets from a folder of still photos."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from cdfi.data.batch import HALF_CHANCE, Batch, SampleRequest, uniform
from cdfi.data.render import render
from cdfi.data.scenes import LAYERS, NUMBERS, Scene, draw_scene
from cdfi.data.storage import mapped

_EARLIEST = 0.08  # the others lie between this instant and 1 minus it


class Synthetic:
    """Layered scenes rendered on the fly.

    Args:
        photos: ``.npy`` file, uint8 (photos, height, width, 3), as ``photo_cache`` writes it.
        crop: side of the square frames, in pixels.
        motion: longest translation of a layer over a half step, in pixels.
        any_instant: whether half of the scenes have their middle frame at any instant.

    Raises:
        ValueError: the photos are smaller than the crop.
    """

    def __init__(
        self, photos: Path, crop: int, motion: float = 14.0, *, any_instant: bool = False
    ) -> None:
        height, width = mapped(photos).shape[1:3]
        if crop > min(height, width):
            raise ValueError(
                f"photos are stored at {width} x {height}, too small for a crop of {crop}; use a "
                "smaller --crop"
            )
        self._photos, self._crop, self._motion = photos, crop, motion
        self._any_instant = any_instant

    @property
    def size(self) -> int:
        """The number of scenes in one pass: a hundred for each photo."""
        return 100 * len(mapped(self._photos))

    def samples(self, requests: Sequence[SampleRequest]) -> Batch:
        """Return one scene for each request."""
        numbers = uniform([request.random for request in requests], (LAYERS, NUMBERS))
        scene = draw_scene(numbers, self._crop, self._motion)
        t = None
        if self._any_instant:
            t = draw_instants(uniform([request.random for request in requests], (2,)))
        return render(scene, self._patches(scene), self._crop, t)

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


def draw_instants(numbers: Tensor) -> Tensor:
    """Return instants (N, 1, 1, 1): half of them 1/2, the others uniform in 0.08 to 0.92.

    Args:
        numbers: (N, 2) uniform in [0, 1).
    """
    anywhere = _EARLIEST + (1 - 2 * _EARLIEST) * numbers[:, 1]
    t = torch.where(numbers[:, 0] < HALF_CHANCE, 0.5, anywhere)
    return t.view(-1, 1, 1, 1)


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

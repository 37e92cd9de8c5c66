"""Training data on a GPU: every batch is computed there, without waiting for the host."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from cdfi.data.augment import CHANGES, augment
from cdfi.data.batch import HALF_CHANCE, Batch, join, without_motion
from cdfi.data.clips import Take
from cdfi.data.render import render
from cdfi.data.scenes import LAYERS, NUMBERS, draw_scene
from cdfi.data.shots import CROPS_TRIED, LARGEST_STRIDE
from cdfi.data.storage import mapped
from cdfi.data.synthetic import draw_instants, patch_corners

_SPARSE = 16  # rows and columns that are compared to measure how much a crop changes


class DeviceScenes:
    """Synthetic scenes from photos on the device.

    Args:
        photos: ``.npy`` file, uint8 (photos, height, width, 3), as ``photo_cache`` writes it.
        side: of the square frames, in pixels.
        motion: longest translation of a layer over a half step, in pixels.
        device: where the photos are kept and the scenes rendered.
        any_instant: whether half of the scenes have their middle frame at any instant.
    """

    def __init__(
        self,
        photos: Path,
        side: int,
        motion: float,
        device: torch.device,
        *,
        any_instant: bool = False,
    ) -> None:
        self._photos = torch.from_numpy(np.array(mapped(photos))).to(device)
        self._side, self._motion, self._any_instant = side, motion, any_instant

    def batch(self, count: int) -> Batch:
        """Return new random scenes, with their exact motion."""
        numbers = torch.rand(count, LAYERS, NUMBERS, device=self._photos.device)
        scene = draw_scene(numbers, self._side, self._motion)
        patch, corners = patch_corners(scene, self._photos.shape, self._side)
        span = torch.arange(patch, device=numbers.device)
        rows = corners[..., 1, None, None] + span[:, None]
        columns = corners[..., 2, None, None] + span
        patches = self._photos[corners[..., 0, None, None], rows, columns]
        t = None
        if self._any_instant:
            t = draw_instants(torch.rand(count, 2, device=numbers.device))
        return render(scene, patches.permute(0, 1, 4, 2, 3), self._side, t)


class DeviceShots:
    """Triplets of real frames, from takes of any size in one array of pixels on the device.

    Args:
        takes: to train on.
        side: of the square crops, in pixels; smaller takes are left out.
        device: where the frames are kept.
        any_instant: whether half of the triplets have their middle frame at any instant.

    Raises:
        ValueError: every take is smaller than the crop.
    """

    def __init__(
        self,
        takes: Sequence[Take],
        side: int,
        device: torch.device,
        *,
        any_instant: bool = False,
    ) -> None:
        takes = [take for take in takes if min(take.height, take.width) >= side]
        if not takes:
            raise ValueError(f"no take is as large as the crop of {side} pixels: use a smaller one")
        sizes = [take.frames * take.height * take.width for take in takes]
        self._pixels = torch.empty(sum(sizes), 3, dtype=torch.uint8, device=device)
        starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
        for take, start, size in zip(takes, starts, sizes):
            pixels = torch.from_numpy(np.array(take.pixels())).view(size, 3)
            self._pixels[start : start + size] = pixels.to(device)
        rows = [(start, take.frames, take.height, take.width) for take, start in zip(takes, starts)]
        self._takes = torch.tensor(rows, device=device)
        self._side, self._any_instant = side, any_instant

    def batch(self, count: int) -> Batch:
        """Return triplets at strides 1 to 3: of three crops, the one that changes most."""
        device = self._takes.device
        u = torch.rand(count, 5 + 2 * CROPS_TRIED, device=device)
        start, frames, height, width = self._takes[(u[:, 0] * len(self._takes)).long()].unbind(1)
        distance, span = self._draw_spans(frames, u[:, 1], u[:, 3:5])
        first = (u[:, 2] * (frames - span)).long()
        instants = torch.stack((first, first + distance, first + span), 1)
        planes = start[:, None] + instants * (height * width)[:, None]  # (N, 3): each frame's start
        positions = torch.stack((height, width), 1) - self._side + 1
        corners = (u[:, 5:].view(count, CROPS_TRIED, 2) * positions[:, None]).long()
        top, left = self._most_changing(planes, corners, width).unbind(1)
        side = torch.arange(self._side, device=device)
        frames8 = self._gather(planes, top[:, None] + side, left[:, None] + side, width)
        frame0, middle, frame1 = (frames8.permute(1, 0, 4, 2, 3).float() / 255).unbind(0)
        t = (distance / span).view(-1, 1, 1, 1)
        return without_motion(frame0, middle, frame1, t)

    def _draw_spans(self, frames: Tensor, length: Tensor, rest: Tensor) -> tuple[Tensor, Tensor]:
        """Return the distances of the middle and the last frames of triplets from their first.

        Args:
            frames: (N,), of each take.
            length: (N,) uniform in [0, 1): strides and spans.
            rest: (N, 2) uniform in [0, 1): whether the middle frame is half-way, else which it is.
        """
        stride = 1 + (length * ((frames - 1) // 2).clamp(max=LARGEST_STRIDE)).long()
        if not self._any_instant:
            return stride, 2 * stride
        span = 2 + (length * (frames - 2).clamp(max=2 * LARGEST_STRIDE - 1)).long()
        middle = 1 + (rest[:, 1] * (span - 1)).long()
        half = rest[:, 0] < HALF_CHANCE
        return torch.where(half, stride, middle), torch.where(half, 2 * stride, span)

    def _most_changing(self, planes: Tensor, corners: Tensor, width: Tensor) -> Tensor:
        """Return the corner, (N, 2), of the crop whose outer frames differ most."""
        sparse = torch.linspace(0, self._side - 1, _SPARSE, device=planes.device).long()
        change = []
        for top, left in (corner.unbind(1) for corner in corners.unbind(1)):
            outer = planes[:, ::2]
            frames = self._gather(outer, top[:, None] + sparse, left[:, None] + sparse, width)
            change.append((frames[:, 0].float() - frames[:, 1].float()).abs().mean((1, 2, 3)))
        best = torch.stack(change, 1).argmax(1)
        return corners.gather(1, best[:, None, None].expand(-1, 1, 2))[:, 0]

    def _gather(self, planes: Tensor, rows: Tensor, columns: Tensor, width: Tensor) -> Tensor:
        """Return pixels (N, frames, rows, columns, 3); frames start at ``planes``, (N, frames)."""
        offset = rows[:, :, None] * width[:, None, None] + columns[:, None, :]
        return self._pixels[planes[:, :, None, None] + offset[:, None]]


def device_batches(
    scenes: DeviceScenes, shots: DeviceShots, batch: int, augmentations: Sequence[str]
) -> Iterator[Batch]:
    """Yield batches without end: half of them scenes, half of them shots, augmented."""
    while True:
        joined = join([scenes.batch(batch // 2), shots.batch(batch - batch // 2)])
        numbers = torch.rand(batch, len(CHANGES), device=joined.middle.device)
        yield augment(joined, numbers, augmentations)

"""Training triplets from continuous takes: random strides, scales and crops."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F

from cdfi.data.batch import HALF_CHANCE, Batch, SampleRequest, from_frames
from cdfi.data.clips import Take

_SHRINK_CHANCE = 0.3
_SHRINK_MOST = 2.0
CROPS_TRIED = 3
LARGEST_STRIDE = 3  # largest distance of the middle frame from the others


class Shots:
    """Triplets of real frames, drawn from takes.

    Strides are 1 to 3 if the take is long enough. With ``any_instant``, half of the triplets are
    frames i < j < k of a span of up to twice the largest stride, with j anywhere between. Some
    triplets are scaled down first, which sharpens them and hides compression artefacts. Of three
    random crops, the one that changes most is used: static background adds little.

    Args:
        takes: to draw from.
        crop: side of the square crops, in pixels.
        strides: largest stride.
        any_instant: whether the middle frame may be at any instant between the others.

    Raises:
        ValueError: no takes, or every take is smaller than the crop.
    """

    def __init__(
        self,
        takes: Sequence[Take],
        crop: int,
        strides: int = LARGEST_STRIDE,
        *,
        any_instant: bool = False,
    ) -> None:
        if not takes:
            raise ValueError(
                "every video is held out for validation, as one source in twelve is by its name: "
                "give more videos, or rename one"
            )
        self._takes = [take for take in takes if min(take.height, take.width) >= crop]
        if not self._takes:
            sizes = sorted({(take.height, take.width) for take in takes})
            raise ValueError(
                f"no take is as large as the crop of {crop} pixels; takes have (height, width) "
                f"{sizes[-3:]}. Use a smaller --crop or larger videos"
            )
        self._crop, self._strides, self._any_instant = crop, strides, any_instant

    @property
    def size(self) -> int:
        """The number of different middle frames."""
        return sum(take.frames - 2 for take in self._takes)

    def samples(self, requests: Sequence[SampleRequest]) -> Batch:
        """Return one crop of a random triplet for each request."""
        samples = [self._sample(request.random) for request in requests]
        t = torch.tensor([t for _, t in samples]).view(-1, 1, 1, 1)
        return from_frames(np.stack([frames for frames, _ in samples]), t)

    def _sample(self, random: np.random.Generator) -> tuple[np.ndarray, float]:
        """Return a crop of a triplet, uint8 (3, S, S, 3), and the instant of its middle frame."""
        take = self._takes[random.integers(len(self._takes))]
        middle, span = self._draw_span(take.frames, random)
        first = random.integers(take.frames - span)
        frames = take.pixels()[[first, first + middle, first + span]]
        largest = min(_SHRINK_MOST, min(take.height, take.width) / self._crop)
        shrink = random.uniform(1.0, largest) if random.random() < _SHRINK_CHANCE else 1.0
        side = min(round(self._crop * shrink), take.height, take.width)
        return shrunk(most_changing(frames, side, random), self._crop), middle / span

    def _draw_span(self, frames: int, random: np.random.Generator) -> tuple[int, int]:
        """Return the distances of the middle and the last frame of a triplet from its first."""
        longest = min(self._strides, (frames - 1) // 2)
        if self._any_instant and random.random() < 1 - HALF_CHANCE:
            span = int(random.integers(2, min(2 * self._strides, frames - 1) + 1))
            return int(random.integers(1, span)), span
        stride = int(random.integers(1, longest + 1))
        return stride, 2 * stride


def most_changing(frames: np.ndarray, side: int, random: np.random.Generator) -> np.ndarray:
    """Return, of a few random square crops of (3, H, W, 3), the one that changes most."""
    height, width = frames.shape[1:3]
    corners = [
        (random.integers(height - side + 1), random.integers(width - side + 1))
        for _ in range(CROPS_TRIED)
    ]
    crops = [frames[:, top : top + side, left : left + side] for top, left in corners]
    return max(crops, key=_change)


def _change(crop: np.ndarray) -> float:
    sparse = crop[::2, ::6, ::6].astype(np.int16)
    return float(np.abs(sparse[0] - sparse[1]).mean())


def shrunk(frames: np.ndarray, side: int) -> np.ndarray:
    """Return square frames, uint8 (3, S, S, 3), scaled down to ``side`` with antialiasing."""
    if frames.shape[1] == side:
        return np.ascontiguousarray(frames)
    planes = torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2)
    small = F.interpolate(planes, (side, side), mode="bilinear", antialias=True)
    return small.permute(0, 2, 3, 1).numpy()

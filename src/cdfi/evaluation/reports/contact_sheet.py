"""Error maps of predictions, and a sheet of the worst cases."""

import heapq
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from cdfi.evaluation.data.layouts import TripletFrames
from cdfi.evaluation.data.rgb_images import RgbImage, save_rgb_image
from cdfi.evaluation.scoring import Row

# A quarter of the range is shown as the brightest: errors of a few levels stay visible.
FULL_SCALE = 64
TILE, GAP, CAPTION = 320, 8, 20
COLUMNS = "frame0 frame1 truth predicted error"


def error_map(image: RgbImage, truth: RgbImage) -> RgbImage:
    """Return the largest error of the channels as colours: black, red, yellow, white; (H, W, 3).

    An error of 64 levels or more is white.
    """
    error = np.abs(image.astype(np.int16) - truth).max(axis=2) / FULL_SCALE
    ramp = np.stack([3 * error, 3 * error - 1, 3 * error - 2], axis=2)
    return (ramp.clip(0, 1) * 255).round().astype(np.uint8)


@dataclass
class Saver:
    """Writes each prediction, or its error map, to ``<folder>/<method>/<dataset>/<name>.png``."""

    folder: Path
    errors: bool = False

    def __call__(self, row: Row, frames: TripletFrames, image: RgbImage) -> None:
        """Write the image of one row."""
        shown = error_map(image, frames.truth) if self.errors else image
        save_rgb_image(self.folder / row.method / row.dataset / f"{row.name}.png", shown)


@dataclass(order=True)
class Case:
    """An image on the sheet, ordered by its error; at equal errors the earlier one is greater."""

    mse: float
    order: int
    row: Row = field(compare=False)
    images: tuple[RgbImage, ...] = field(compare=False)


@dataclass
class ContactSheet:
    """Collects the ``size`` images of lowest PSNR of each method."""

    size: int = 8
    cases: dict[str, list[Case]] = field(default_factory=dict)
    seen: int = 0

    def __call__(self, row: Row, frames: TripletFrames, image: RgbImage) -> None:
        """Keep the image if it is among its method's worst so far."""
        mse = float(np.square(frames.truth.astype(np.float64) - image).mean())
        self.seen += 1
        worst = self.cases.setdefault(row.method, [])
        if len(worst) == self.size and mse <= worst[0].mse:
            return
        parts = (frames.frame0, frames.frame1, frames.truth, image)
        tiles = map(_tile, (*parts, error_map(image, frames.truth)))
        heapq.heappush(worst, Case(mse, -self.seen, row, tuple(tiles)))
        if len(worst) > self.size:
            heapq.heappop(worst)

    def save(self, path: Path) -> None:
        """Write the sheet as PNG: a line for each case, method by method, the worst on top.

        Raises:
            ValueError: nothing was scored.
        """
        if not self.cases:
            raise ValueError(f"{path}: no contact sheet without a scored image")
        cases = [case for worst in self.cases.values() for case in sorted(worst, reverse=True)]
        rows = [_line(case) for case in cases]
        width = max(row.shape[1] for row in rows)
        padded = [np.pad(r, ((0, GAP), (0, width - r.shape[1]), (0, 0))) for r in rows]
        save_rgb_image(path, np.concatenate(padded))


def _tile(image: RgbImage) -> RgbImage:
    """Return ``image`` no wider than a column of the sheet."""
    tile = Image.fromarray(image)
    tile.thumbnail((TILE, TILE), Image.Resampling.BOX)
    return np.array(tile)


def _line(case: Case) -> RgbImage:
    """Return one case: both frames, the truth, the prediction and its error, side by side."""
    gap = np.zeros((case.images[0].shape[0], GAP, 3), np.uint8)
    strip = np.concatenate([part for tile in case.images for part in (tile, gap)], axis=1)
    caption = Image.new("RGB", (strip.shape[1], CAPTION))
    row = case.row
    scores = "  ".join(f"{name} {value:.4f}" for name, value in row.scores.items())
    text = f"{row.dataset} {row.name}  {row.method}  {scores}   [{COLUMNS}]"
    ImageDraw.Draw(caption).text((4, 4), text, fill=(255, 255, 255))
    return np.concatenate([np.array(caption), strip])

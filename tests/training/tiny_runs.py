"""Runs so small that a step takes milliseconds."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from cdfi.training.args import TrainArgs
from tests.tiny import TINY


def make_photos(folder: Path, count: int = 2, size: tuple[int, int] = (96, 64)) -> Path:
    """Smooth random photos, width x height."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    for i in range(count):
        coarse = random.integers(0, 256, (8, 12, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(folder / f"{i}.png")
    return folder


def make_triplets(folder: Path, count: int = 4, side: int = 48) -> Path:
    """Folders of three frames of a photo that slides by two pixels a frame."""
    photos = make_photos(folder.parent / "for-triplets", count, (side + 8, side))
    for i, path in enumerate(sorted(photos.iterdir())):
        home = folder / f"{i:03}"
        home.mkdir(parents=True)
        with Image.open(path) as photo:
            for frame in range(3):
                left = 2 * frame
                photo.crop((left, 0, left + side, side)).save(home / f"im{frame + 1}.png")
    return folder


def tiny_args(tmp_path: Path, **changes: object) -> TrainArgs:
    """Six steps of two crops of a folder of triplets."""
    triplets = tmp_path / "triplets"
    if not triplets.exists():
        make_triplets(triplets)
    config = tmp_path / "tiny.json"
    config.write_text(TINY.to_json())
    args = TrainArgs(
        network=str(config),
        data=(f"triplets={triplets}",),
        out=str(tmp_path / "runs"),
        cache=str(tmp_path / "cache"),
        loss="1*Charb+0.01*g_Spatial",
        batch=2,
        crop=32,
        steps=6,
        log_every=1,
        workers=0,
        device="cpu",
    )
    return replace(args, **changes)  # type: ignore[arg-type]

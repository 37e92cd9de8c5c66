"""A small network learns to interpolate in a few minutes."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cdfi.data.clips import Take, cached_takes
from cdfi.models import Config
from cdfi.training.loop import Run
from cdfi.training.presets import PRESETS
from cdfi.training.processes import Alone, choose_device
from cdfi.training.sources import open_data
from cdfi.training.stop import Stop
from cdfi.training.validate import averaging
from cdfi.training.watch import Watcher

_HEAD = (12, 12, 12)
SMALL = Config(
    kernel=3,
    dilation=1,
    encoder=tuple((w, w, w) for w in (8, 12, 16, 24, 24)),
    decoder=tuple((w, w, w) for w in (24, 16, 12, 12)),
    weight0=_HEAD,
    alpha0=_HEAD,
    beta0=_HEAD,
    weight1=_HEAD,
    alpha1=_HEAD,
    beta1=_HEAD,
    occlusion=_HEAD,
)


@pytest.mark.slow
def test_a_few_minutes_on_real_shots_beat_frame_averaging_by_far(
    data: Path, tmp_path: Path
) -> None:
    train = data / "train"
    cache = Path(os.environ.get("CDFI_TEST_CACHE", tmp_path / "cache"))
    config = tmp_path / "small.json"
    config.write_text(SMALL.to_json())
    args = replace(
        PRESETS["bundled"],
        network=str(config),
        data=(f"synthetic={train / 'stills'}:0.4", f"clips={train / 'clips'}:0.6"),
        cache=str(cache),
        out=str(tmp_path),
        steps=700,
        lr=4e-3,
        warmup=20,
        guidance=0.02,
        warp=0.5,
        guidance_until=0.6,
        motion=8.0,
        crop=64,
        ema=0.97,
        validate_every=100,
        device="cpu",
    )
    stream = open_data(args)
    held_out = _neighbours(cached_takes(train / "clips", cache))
    run = Run(args, Alone(choose_device("cpu")), stream._replace(held_out=held_out))
    with Stop() as stop:
        outcome = run.go(stop, Watcher())
    assert outcome.best > averaging(held_out) + 1.5


def _neighbours(takes: list[Take]) -> np.ndarray:
    """The centres of three neighbouring frames of every second held-out shot."""
    held_out = [take for take in takes if take.held_out][::2]
    assert len(held_out) > 15
    return np.stack([_centre(take.pixels(), take.frames // 2) for take in held_out])


def _centre(frames: np.ndarray, middle: int, side: int = 128) -> np.ndarray:
    top, left = ((length - side) // 2 for length in frames.shape[1:3])
    return frames[middle - 1 : middle + 2, top : top + side, left : left + side]

"""A small network learns to interpolate in a few minutes."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cdfi.common.devices import choose_device
from cdfi.data.clips import Take, cached_takes
from cdfi.models import Config
from cdfi.training.callback import Callback, Reason
from cdfi.training.distributed import SingleProcess
from cdfi.training.loop import Run, check
from cdfi.training.presets import PRESETS
from cdfi.training.sources import open_data
from cdfi.training.stop import Stop
from cdfi.training.validate import average_baseline_psnr

_HEAD = (16, 16, 16)
SMALL = Config(
    kernel=3,
    dilation=1,
    encoder=tuple((w, w, w) for w in (16, 24, 32, 32, 32)),
    decoder=tuple((w, w, w) for w in (32, 32, 24, 24)),
    weight0=_HEAD,
    alpha0=_HEAD,
    beta0=_HEAD,
    weight1=_HEAD,
    alpha1=_HEAD,
    beta1=_HEAD,
    occlusion=_HEAD,
)


@pytest.mark.slow
def test_minutes_of_training_on_real_shots_beat_frame_averaging(data: Path, tmp_path: Path) -> None:
    train = data / "train"
    cache = Path(os.environ.get("CDFI_TEST_CACHE", tmp_path / "cache"))
    config = tmp_path / "small.json"
    config.write_text(SMALL.to_json())
    args = replace(
        PRESETS["bundled"],
        network=str(config),
        data=(f"synthetic={train / 'stills'}:0.6", f"clips={train / 'clips'}:0.4"),
        cache=str(cache),
        out=str(tmp_path),
        loss="1*Charb",
        batch=48,  # many small crops: as many different motions a step as there is time for
        crop=32,
        steps=1200,
        warmup=50,
        guidance=0.2,
        warp=1.0,
        guidance_until=0.95,
        motion=4.0,
        ema=0.98,
        validate_every=100,
        device="cpu",
    )
    stream = open_data(args)
    held_out = _neighbours(cached_takes(train / "clips", cache))
    shots = stream._replace(held_out=held_out)
    run = Run(args, SingleProcess(choose_device("cpu")), shots, check(args))
    target = average_baseline_psnr(held_out) + 1.5
    outcome = run.fit(_Enough(run, target), Callback())
    assert outcome.best > target


class _Enough(Stop):
    """Ends a run as soon as it scores well enough."""

    def __init__(self, run: Run, target: float) -> None:
        super().__init__()
        self._run, self._target = run, target

    def reason(self) -> Reason | None:
        return "time" if self._run.state.best > self._target else super().reason()


def _neighbours(takes: list[Take]) -> np.ndarray:
    """The centres of three neighbouring frames of every second held-out shot."""
    held_out = [take for take in takes if take.held_out][::2]
    assert len(held_out) > 15
    return np.stack([_centre(take.pixels(), take.frames // 2) for take in held_out])


def _centre(frames: np.ndarray, middle: int, side: int = 128) -> np.ndarray:
    top, left = ((length - side) // 2 for length in frames.shape[1:3])
    return frames[middle - 1 : middle + 2, top : top + side, left : left + side]

"""A run that was killed and resumed has the same results."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from cdfi.training import checkpoint
from cdfi.training.callback import Callback
from cdfi.training.loop import train
from tests.training.tiny_runs import make_photos, tiny_args


class _Stopper(Callback):
    """Ends the process as a kill would, after some step."""

    def __init__(self, step: int) -> None:
        self._step = step

    def on_step(self, step: int, steps: int) -> None:
        if step == self._step:
            raise _Killed


class _Killed(BaseException):
    pass


def _equal(one: object, two: object) -> bool:
    if isinstance(one, torch.Tensor) and isinstance(two, torch.Tensor):
        return torch.equal(one, two)
    if isinstance(one, dict) and isinstance(two, dict):
        return one.keys() == two.keys() and all(_equal(one[key], two[key]) for key in one)
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(map(_equal, one, two))
    return one == two


@pytest.mark.parametrize(
    ("optimizer", "steps"),
    [
        ("ADAMax", 12),
        ("Muon", 12),
        ("OBProxSG", 12),
        pytest.param("ADAMax", 200, marks=pytest.mark.slow),
    ],
)
@pytest.mark.long
def test_a_killed_and_resumed_run_equals_an_unbroken_one_bit_for_bit(
    tmp_path: Path, optimizer: str, steps: int
) -> None:
    photos = make_photos(tmp_path / "photos")
    args = tiny_args(
        tmp_path,
        data=(f"synthetic={photos}:0.5", f"triplets={tmp_path / 'triplets'}:0.5"),
        optimizer=optimizer,
        schedule="cosine",
        ema=0.9,
        guidance=0.01,
        accumulate=2,
        steps=steps,
        weight_decay=1e-5,
        checkpoint_minutes=1e-9,  # after every step
    )
    train(replace(args, run="whole", checkpoint_minutes=60))
    with pytest.raises(_Killed):
        train(replace(args, run="cut"), callback=_Stopper(steps // 2 + 1))
    train(replace(args, run="cut"), resume=Path(args.out) / "cut")
    whole = checkpoint.read(Path(args.out) / "whole")
    cut = checkpoint.read(Path(args.out) / "cut")
    for part in ("network", "average", "optimizer", "random", "numbers"):
        assert _equal(whole[part], cut[part]), part

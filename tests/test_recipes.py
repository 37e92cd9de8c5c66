"""The GPU recipe, at a tiny size, on whatever device there is."""

import csv
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

import cdfi
from cdfi.data.clips import Take
from cdfi.training import checkpoint
from tests.media import sliding, write_video
from tests.tiny import TINY
from tests.training.tiny_runs import make_photos

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def recipe() -> ModuleType:
    spec = importlib.util.spec_from_file_location("recipe", ROOT / "recipes" / "half_hour_gpu.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["recipe"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    for i in range(3):
        write_video(tmp_path / "train" / "clips" / f"{i}.mp4", sliding(7, seed=i))
    make_photos(tmp_path / "train" / "stills")
    (tmp_path / "tiny.json").write_text(TINY.to_json())
    options = {
        "data": tmp_path,
        "network": tmp_path / "tiny.json",
        "cache": tmp_path / "cache",
        "side": 32,
        "batch": 4,
        "steps": 3,
        "log-every": 2,
        "warmup": 2,
        "device": "cpu",
        "minutes": 5,
    }
    return [word for name, value in options.items() for word in (f"--{name}", str(value))]


def test_a_checkpoint_goes_in_and_one_comes_out(
    recipe: ModuleType, words: list[str], tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    words = [*words, "--set", "optimizer=Muon"]
    recipe.prepare(recipe.parse([*words, "--out", str(first), "--to", "0.5"])).go()
    more = ["--resume", str(first), "--from", "0.5", "--out", str(second)]
    recipe.prepare(recipe.parse([*words, *more])).go()
    assert checkpoint.read(first)["numbers"]["step"] == 3
    assert checkpoint.read(second)["numbers"]["step"] == 6
    assert cdfi.load(second / "last.safetensors").config == TINY
    with (second / "train.csv").open() as lines:
        assert all(np.isfinite(float(row["loss"])) for row in csv.DictReader(lines))


def test_shots_on_the_device_are_whole_frames_in_order(recipe: ModuleType, tmp_path: Path) -> None:
    takes = []
    for i, shape in enumerate([(48, 64), (40, 50)]):
        frames = sliding(7, i, *shape)
        np.save(tmp_path / f"{i}.npy", frames)
        takes.append(Take(tmp_path / f"{i}.npy", str(i), *frames.shape[:3]))
    batch = recipe.DeviceShots(takes, 40, torch.device("cpu")).batch(16)
    for before, middle, after in zip(batch.frame0, batch.middle, batch.frame1):
        assert any(
            torch.equal(before[..., 2 * s :], middle[..., : -2 * s])
            and torch.equal(middle[..., 2 * s :], after[..., : -2 * s])
            for s in (1, 2, 3)
        )


@pytest.mark.gpu
def test_a_step_never_waits_for_the_device(
    recipe: ModuleType, words: list[str], tmp_path: Path, cuda: str
) -> None:
    sitting = recipe.prepare(recipe.parse([*words, "--device", cuda, "--out", str(tmp_path / "o")]))
    objective = recipe.Objective(sitting.state.network, recipe.parse_loss("1*Charb"), sitting.args)
    device = torch.device(cuda)
    sitting._step(objective, 0.0, device)  # compiles kernels and fills caches
    torch.cuda.set_sync_debug_mode("error")
    try:
        sitting._step(objective, 0.0, device)
    finally:
        torch.cuda.set_sync_debug_mode("default")

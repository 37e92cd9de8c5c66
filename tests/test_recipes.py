"""The GPU recipe, at a tiny size, on whatever device there is."""

import csv
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import cdfi
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


@pytest.mark.long
def test_a_session_starts_from_a_checkpoint_and_leaves_one(
    recipe: ModuleType, words: list[str], tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    words = [*words, "--set", "optimizer=Muon"]
    recipe.main([*words, "--out", str(first), "--to", "0.5"])
    more = ["--resume", str(first), "--from", "0.5", "--out", str(second)]
    outcome = recipe.main([*words, *more, "--network", "cdfi"])  # the network of the checkpoint
    assert (outcome.reason, outcome.step) == ("finished", 6)
    assert checkpoint.read(first)["numbers"]["step"] == 3
    assert checkpoint.read(second)["numbers"]["step"] == 6
    assert cdfi.load(second / "last.safetensors").config == TINY
    with (second / "train.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    assert rows
    assert all(np.isfinite(float(row["loss"])) for row in rows)
    assert all(float(row["lr"]) < 1.1e-3 for row in rows)  # the second half of the cosine


def test_the_schedule_follows_the_clock(
    recipe: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(recipe.time, "monotonic", lambda: now[0])
    progress = recipe.timed(minutes=2, begin=0.2, end=0.6)
    assert progress() == 0.2
    now[0] += 60
    assert progress() == pytest.approx(0.4)
    now[0] += 600
    assert progress() == pytest.approx(0.6)

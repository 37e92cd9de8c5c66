"""Training of networks that take an instant, from the same command and data as the others."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cdfi.data.batch import SampleRequest
from cdfi.data.shots import Shots
from cdfi.data.synthetic import draw_instants
from cdfi.models import Config, FlowConfig, Network, build_network
from cdfi.training.arg_groups import LossArgs
from cdfi.training.args import TrainArgs
from cdfi.training.build import build_network as build_training_network
from cdfi.training.build import check_instants, find_config
from cdfi.training.loop import train
from cdfi.training.losses.objective import Objective
from cdfi.training.losses.terms import parse_loss
from cdfi.training.presets import PRESETS
from tests.tiny import TINY as TINY_ADACOF
from tests.tiny import TINY_FLOW as TINY


class _Take:
    frames, height, width = 9, 40, 48

    def pixels(self) -> np.ndarray:
        frames = np.arange(self.frames, dtype=np.uint8)[:, None, None, None]
        return np.broadcast_to(frames, (self.frames, self.height, self.width, 3)).copy()


def _requests(count: int) -> list[SampleRequest]:
    return [SampleRequest(i, np.random.default_rng(i)) for i in range(count)]


def test_shots_at_any_instant_know_their_instant() -> None:
    batch = Shots([_Take()], 32, any_instant=True).samples(_requests(60))  # type: ignore[list-item]
    first, middle, last = (x[:, 0, 0, 0] for x in (batch.frame0, batch.middle, batch.frame1))
    expected = (middle - first) / (last - first)
    torch.testing.assert_close(batch.t.flatten(), expected)
    assert len(set(batch.t.flatten().tolist())) > 3
    assert float((batch.t == 0.5).float().mean()) > 0.4


def test_shots_are_half_way_by_default() -> None:
    batch = Shots([_Take()], 32).samples(_requests(20))  # type: ignore[list-item]
    assert torch.equal(batch.t, torch.full((20, 1, 1, 1), 0.5))


def test_instants_are_inside_the_gap_and_half_of_them_in_the_middle() -> None:
    t = draw_instants(torch.rand(1000, 2, generator=torch.Generator().manual_seed(0)))
    assert float(t.min()) >= 0.08 and float(t.max()) <= 0.92
    assert 0.4 < float((t == 0.5).float().mean()) < 0.6


def test_any_instant_needs_a_network_that_takes_it() -> None:
    args = replace(TrainArgs(), any_instant=True)
    check_instants(build_network(TINY), args)
    with pytest.raises(ValueError, match="--any-instant"):
        check_instants(Network(TINY_ADACOF), args)


def test_losses_of_maps_are_refused_for_a_flow_network() -> None:
    with pytest.raises(ValueError, match="g_Spatial"):
        Objective(build_network(TINY), parse_loss("1*Charb+0.01*g_Spatial"), LossArgs())


def test_names_and_files_of_all_families_are_found(tmp_path: Path) -> None:
    assert isinstance(find_config("flow"), FlowConfig)
    assert isinstance(find_config("cdfi"), Config)
    file = tmp_path / "tiny.json"
    file.write_text(TINY.to_json())
    assert find_config(str(file)) == TINY


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Return a folder of three noisy photos."""
    folder = tmp_path / "photos"
    folder.mkdir()
    random = np.random.default_rng(0)
    for i in range(3):
        pixels = random.integers(0, 256, (96, 128, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")
    return folder


@pytest.mark.long
def test_a_flow_network_trains_resumes_and_is_written(photos: Path, tmp_path: Path) -> None:
    file = tmp_path / "tiny.json"
    file.write_text(TINY.to_json())
    args = replace(
        PRESETS["flow"],
        network=str(file),
        data=(f"synthetic={photos}",),
        cache=str(tmp_path / "cache"),
        crop=32,
        batch=2,
        motion=4.0,
        steps=3,
        workers=0,
        precision="fp32",
        out=str(tmp_path),
        run="a",
        log_every=1,
        device="cpu",
    )
    train(args)
    folder = tmp_path / "a"
    assert (folder / "last.safetensors").is_file()
    train(replace(args, steps=5), folder)
    assert "flow" in (folder / "train.csv").read_text().splitlines()[0]


def test_weights_of_another_family_are_refused() -> None:
    args = replace(TrainArgs(), network="flow", weights="compressed-adacof")
    with pytest.raises(ValueError, match="another family"):
        build_training_network(args)

"""The cost of a model: operations, time and memory."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from cdfi.evaluation.cost import (
    CostTask,
    adacof_flops,
    count_flops,
    details_flops,
    measure,
    peak_memory,
    refine_flow_flops,
)
from cdfi.models import Network
from cdfi.weights import save
from tests.tiny import TINY, TINY_DETAILED, TINY_MATCHING, TINY_REFINED, tiny_network


@pytest.fixture
def model(tmp_path: Path) -> str:
    """The file of a tiny network."""
    save(tiny_network(), tmp_path / "tiny.safetensors")
    return str(tmp_path / "tiny.safetensors")


def test_a_warp_counts_corner_weights_and_a_sum_for_each_channel() -> None:
    assert adacof_flops((2, 3, 10, 11), (2, 9, 6, 7)) == 2 * 9 * 6 * 7 * 4 * 2 * (1 + 3)


def test_the_count_is_that_of_a_real_run_and_both_warps() -> None:
    counter = FlopCounterMode(display=False)
    frame = torch.rand(1, 3, 64, 96)
    with counter, torch.no_grad():
        Network(TINY)(frame, frame)
    warp = adacof_flops((1, 3, 68, 100), (1, 9, 64, 96))
    assert count_flops(TINY, 64, 96) == counter.get_total_flops() + 2 * warp


def test_cost_volumes_count_as_well() -> None:
    counter = FlopCounterMode(display=False)
    frame = torch.rand(1, 3, 64, 96)
    with counter, torch.no_grad():
        Network(TINY_MATCHING)(frame, frame)
    warps = 2 * adacof_flops((1, 3, 68, 100), (1, 9, 64, 96))
    fine, coarse = 2 * 4 * 32 * 48 * 9, 2 * 3 * 16 * 24 * 25
    assert count_flops(TINY_MATCHING, 64, 96) == counter.get_total_flops() + warps + fine + coarse


def test_flow_refinement_counts_its_moves_on_every_level() -> None:
    both, fine = (refine_flow_flops((1, 3, 64, 96), None, None, levels) for levels in (2, 1))
    assert fine == 64 * 96 * refine_flow_flops((1, 3, 1, 1), None, None, 1) > 0
    assert fine / 4 < both - fine < fine  # a quarter of the pixels, but more moves
    counter = FlopCounterMode(display=False)
    frame = torch.rand(1, 3, 64, 96)
    with counter, torch.no_grad():
        Network(TINY_REFINED)(frame, frame)
    warps = 2 * adacof_flops((1, 3, 68, 100), (1, 9, 64, 96))
    assert count_flops(TINY_REFINED, 64, 96) == counter.get_total_flops() + warps + both


def test_details_count_for_both_sides() -> None:
    plain = replace(TINY_DETAILED, detail=None)
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        Network(TINY_DETAILED).heads["detail"](torch.rand(1, 4, 32, 48))
    more = count_flops(TINY_DETAILED, 64, 96) - count_flops(plain, 64, 96)
    bands = details_flops((1, 3, 68, 100), (1, 2, 64, 96))
    assert bands == 64 * 96 * details_flops((1, 3, 1, 1), (1, 2, 1, 1)) > 0
    assert more == counter.get_total_flops() + 2 * bands


def test_a_frame_counts_with_its_padding() -> None:
    assert count_flops(TINY, 33, 33) == count_flops(TINY, 64, 64)


@pytest.mark.long
def test_a_model_is_measured_in_a_process_of_its_own(model: str) -> None:
    cost = measure(CostTask(model, 48, 32, "fp32", "cpu", runs=3, warm_up=1))
    assert (cost.precision, cost.width, cost.height) == ("fp32", 48, 32)
    assert cost.parameters == sum(p.numel() for p in Network(TINY).parameters())
    assert 0 < cost.fastest <= cost.seconds
    assert json.loads(json.dumps(cost.as_dict()))["model"] == model
    if sys.platform == "linux":
        assert cost.peak_bytes is not None
        assert cost.peak_bytes > 50e6


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_peak_counts_memory_that_is_free_again() -> None:
    before = peak_memory(torch.device("cpu"))
    bytearray(200_000_000).count(1)
    after = peak_memory(torch.device("cpu"))
    assert before is not None
    assert after is not None
    assert after >= before
    assert after > 200_000_000


@pytest.mark.gpu
def test_the_peak_on_cuda_is_the_devices(model: str, cuda: str) -> None:
    cost = measure(CostTask(model, 64, 64, "fp32", cuda, runs=2, warm_up=1))
    assert cost.peak_bytes is not None
    assert 0 < cost.peak_bytes < 1e9

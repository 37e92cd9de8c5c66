"""Layers that have died are found and named."""

from pathlib import Path

import numpy as np
import pytest
import torch

from cdfi.models import NETWORKS, Network
from cdfi.training.args import TrainArgs
from cdfi.training.build import initialise
from cdfi.training.callback import Callback
from cdfi.training.checkpoint import State
from cdfi.training.dead_layers import find_dead_layers
from cdfi.training.optim.ema import WeightAverage
from cdfi.training.record import Record
from cdfi.training.sources import Data

CPU = torch.device("cpu")


@pytest.fixture
def triplets() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 3, 64, 64, 3), dtype=np.uint8)


def _alive() -> Network:
    torch.manual_seed(0)
    return initialise(Network(NETWORKS["compressed-adacof"]))


def _dead_in_the_middle() -> Network:
    network = _alive()
    network.get_parameter("decoder.1.2.bias").data.fill_(-1e6)
    return network


@pytest.mark.long
def test_a_dead_layer_is_found_by_name(triplets: np.ndarray) -> None:
    assert find_dead_layers(_alive(), triplets, CPU) == []
    network = _dead_in_the_middle()
    behind = ["decoder.1.4", "upsample.1.0"]  # whose biases are 0 yet, up to the next skip
    assert find_dead_layers(network, triplets, CPU) == ["decoder.1.2", *behind]
    assert not any(layer._forward_hooks for layer in network.modules())


@pytest.mark.long
def test_a_run_reports_a_dead_layer_once(tmp_path: Path, triplets: np.ndarray) -> None:
    said: list[str] = []

    class Listening(Callback):
        def on_message(self, text: str) -> None:
            said.append(text)

    network = _dead_in_the_middle()
    state = State(network, torch.optim.SGD(network.parameters(), 0.1), WeightAverage(network, 0.9))
    with Record(tmp_path / "run", TrainArgs(), state, Data(None, triplets), Listening()) as record:
        for _ in range(2):
            record.validate(CPU)
            state.step += 1
    assert (
        sum(
            "dead layers, whose output is always 0: decoder.1.2, decoder.1.4" in text
            for text in said
        )
        == 1
    )

"""Pruning runs of a few steps, with a penalty that makes zeros at once."""

from dataclasses import replace
from pathlib import Path

import torch

from cdfi import Network, save
from cdfi.design.settings import Pruning
from cdfi.training.args import TrainArgs
from cdfi.training.callback import Callback
from tests.tiny import TINY as CONFIG
from tests.training.tiny_runs import tiny_args

HARD = Pruning(lambda_=1.0, prox_epochs=1)


class Notes(Callback):
    """Records the notes and the last step."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.steps = 0

    def on_log(self, note: str) -> None:
        self.notes.append(note)

    def on_step(self, step: int, steps: int) -> None:
        self.steps = step


def pruning_args(tmp_path: Path, **changes: object) -> TrainArgs:
    torch.manual_seed(0)
    save(Network(CONFIG), tmp_path / "trained.safetensors", dtype=torch.float32)
    weights = str(tmp_path / "trained.safetensors")
    args = tiny_args(tmp_path, network="", weights=weights, lr=1e-2, schedule="constant")
    return replace(args, **changes)  # type: ignore[arg-type]

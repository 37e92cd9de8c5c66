"""The state of a run in one file, which is always whole."""

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.optim import Optimizer

from cdfi.common.files import atomic_write
from cdfi.models import Config, Network
from cdfi.training.args import TrainArgs
from cdfi.training.optim.ema import WeightAverage

NAME = "checkpoint.pt"


@dataclass
class State:
    """Everything a run changes. The data stream has no state: batch n is a function of n."""

    network: Network
    optimizer: Optimizer
    average: WeightAverage
    step: int = 0
    best: float = float("-inf")
    skipped: int = 0


def save(state: State, args: TrainArgs, path: Path) -> None:
    """Write the state into a file that appears whole, when the disk has it.

    Raises:
        OSError: no space, or no permission; a checkpoint that was there stays as it was.
    """
    content = {
        "network": state.network.state_dict(),
        "average": state.average.network.state_dict(),
        "optimizer": state.optimizer.state_dict(),
        "random": torch.get_rng_state(),
        "numbers": {"step": state.step, "best": state.best, "skipped": state.skipped},
        "config": state.network.config.to_json(),
        "args": args.to_json(),
    }
    try:
        with atomic_write(path, fsync=True) as beside, beside.open("wb") as out:
            torch.save(content, out)
    except RuntimeError as error:  # how PyTorch's writer reports a full disk
        raise OSError(f"the checkpoint {path} could not be written: {error}") from error


def read(path: Path) -> dict[str, Any]:
    """What a checkpoint file holds.

    Args:
        path: the file, or the run folder that holds it.

    Raises:
        ValueError: there is none, or it is something else.
    """
    file = path / NAME if path.is_dir() else path
    if not file.is_file():
        raise ValueError(f"no checkpoint at {file}; give a run's folder or its {NAME}")
    try:
        content = torch.load(file, map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError, KeyError) as error:
        raise ValueError(f"{file} is no whole checkpoint of a training run: {error}") from error
    if not isinstance(content, dict) or not {"network", "optimizer", "args"} <= content.keys():
        raise ValueError(
            f"{file} is no checkpoint of a training run (to start from weights: --weights)"
        )
    return content


def run_folder(path: Path) -> Path:
    """The run's folder that a checkpoint, or the folder itself, stands for."""
    return path if path.is_dir() else path.parent


def resumable(folder: Path) -> Path | None:
    """The run's folder if there is something in it to resume from."""
    return folder if (folder / NAME).is_file() else None


def require_unused(folder: Path, resume: Path | None) -> None:
    """Make sure that a run in ``folder`` replaces no other.

    Raises:
        ValueError: another run's checkpoint is there than the one to ``resume``.
    """
    if not (folder / NAME).exists():
        return
    if resume is None or not run_folder(resume).exists() or not run_folder(resume).samefile(folder):
        raise ValueError(f"{folder} holds a run already: --resume it, or choose another --run")


def restore(state: State, content: dict[str, Any], path: Path) -> None:
    """Put a checkpoint's values into a freshly built state.

    Raises:
        ValueError: it is of another network or optimizer.
    """
    config = Config.from_json(content["config"])
    if config != state.network.config:
        raise ValueError(
            f"the checkpoint {path} is of another network: it has {config.to_json()}, this run "
            f"has {state.network.config.to_json()}"
        )
    state.network.load_state_dict(content["network"])
    state.average.network.load_state_dict(content["average"])
    try:
        state.optimizer.load_state_dict(content["optimizer"])
    except (ValueError, KeyError) as error:
        raise ValueError(f"the checkpoint {path} is of another optimizer: {error}") from error
    torch.set_rng_state(content["random"])
    numbers = content["numbers"]
    state.step, state.best, state.skipped = numbers["step"], numbers["best"], numbers["skipped"]

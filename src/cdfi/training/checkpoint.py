"""The state of a run in one file, written atomically."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.optim import Optimizer

from cdfi.common.files import atomic_write
from cdfi.common.torch_file import load_tensors
from cdfi.models import AnyNetwork, config_from_json
from cdfi.training.args import TrainArgs
from cdfi.training.optim.ema import WeightAverage

NAME = "checkpoint.pt"


@dataclass
class State:
    """Everything a run changes. The data stream has no state: batch n is a function of n."""

    network: AnyNetwork
    optimizer: Optimizer
    average: WeightAverage
    step: int = 0
    best: float = float("-inf")
    skipped: int = 0


def save(state: State, args: TrainArgs, path: Path) -> None:
    """Write the state to ``path``, atomically and synced to the disk.

    Raises:
        OSError: no space, or no permission; an earlier checkpoint stays as it was.
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
    except RuntimeError as error:  # PyTorch's writer reports a full disk with it
        raise OSError(f"the checkpoint {path} could not be written: {error}") from error


def read(path: Path) -> dict[str, Any]:
    """Return the content of a checkpoint file.

    Args:
        path: the file, or the run folder that holds it.

    Raises:
        ValueError: there is none, it is damaged, or it is another kind of file.
        OSError: it cannot be read.
    """
    file = path / NAME if path.is_dir() else path
    if not file.is_file():
        raise ValueError(f"no checkpoint at {file}; give a run's folder or its {NAME}")
    content = load_tensors(file, "a checkpoint of a training run")
    keys = {"network", "average", "optimizer", "random", "numbers", "config", "args"}
    if not isinstance(content, dict) or not keys <= content.keys():
        raise ValueError(
            f"{file} is not a checkpoint of a training run (to start from weights: --weights)"
        )
    return content


def read_checkpoint_args(path: Path) -> TrainArgs:
    """Return the arguments of the run that a checkpoint file or a run folder holds.

    Raises:
        ValueError: as :func:`read`, or impossible arguments; the message names the file.
    """
    text = read(path)["args"]
    try:
        return TrainArgs.from_json(text)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: {error}") from error


def run_folder(path: Path) -> Path:
    """Return the folder of the run that a checkpoint file, or the folder itself, belongs to."""
    return path if path.is_dir() else path.parent


def resumable(folder: Path) -> Path | None:
    """Return the run folder if it holds a checkpoint, else None."""
    return folder if (folder / NAME).is_file() else None


def require_unused(folder: Path, resume: Path | None) -> None:
    """Make sure that a run in ``folder`` replaces no other.

    Raises:
        ValueError: it holds the checkpoint of another run than the one to ``resume``.
    """
    if not (folder / NAME).exists():
        return
    if resume is None or not run_folder(resume).exists() or not run_folder(resume).samefile(folder):
        raise ValueError(f"{folder} holds a run already: --resume it, or choose another --run")


def restore(state: State, content: dict[str, Any], path: Path) -> None:
    """Load a checkpoint into a newly built state.

    Raises:
        ValueError: it belongs to another network or optimizer.
    """
    try:
        config = config_from_json(content["config"])
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"{path}: the architecture in the checkpoint is unusable: {error}"
        ) from error
    if config != state.network.config:
        raise ValueError(
            f"the checkpoint {path} is of another network: it has {config.to_json()}, this run "
            f"has {state.network.config.to_json()}"
        )
    try:
        state.network.load_state_dict(content["network"])
        state.average.network.load_state_dict(content["average"])
    except RuntimeError as error:
        raise ValueError(
            f"the checkpoint {path} has the tensors of another network: {error}"
        ) from error
    try:
        state.optimizer.load_state_dict(content["optimizer"])
    except (ValueError, KeyError) as error:
        raise ValueError(f"the checkpoint {path} is of another optimizer: {error}") from error
    torch.set_rng_state(content["random"])
    numbers = content["numbers"]
    state.step, state.best, state.skipped = numbers["step"], numbers["best"], numbers["skipped"]

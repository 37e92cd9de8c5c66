"""The folder of a run: log rows, validations, weights and checkpoints."""

import time
from collections.abc import Mapping
from pathlib import Path

import torch

from cdfi import weights
from cdfi.common.files import write_text
from cdfi.models import AnyNetwork
from cdfi.training import checkpoint
from cdfi.training.args import TrainArgs
from cdfi.training.callback import Callback
from cdfi.training.checkpoint import State
from cdfi.training.dead_layers import find_dead_layers
from cdfi.training.logs import Log
from cdfi.training.sources import Data
from cdfi.training.validate import (
    average_baseline_psnr,
    pick_samples,
    sample_image,
    validate,
)


class Record:
    """Writes the folder of a run; only the first of several processes has one.

    The folder holds ``args.json``, ``config.json``, ``train.csv``, ``validation.csv``,
    ``samples/``, ``tensorboard/``, ``checkpoint.pt`` (to resume), ``last.safetensors`` and
    ``best.safetensors`` (averaged weights).

    Args:
        folder: created if it does not exist.
        args: the run.
        state: what the run changes.
        data: with the validation triplets.
        callback: receives messages on validations.
    """

    def __init__(
        self,
        folder: Path,
        args: TrainArgs,
        state: State,
        data: Data,
        callback: Callback,
    ) -> None:
        self._folder, self._args, self._state = folder, args, state
        self._held_out, self._callback = data.held_out, callback
        self._validated = -1
        self._score: float | None = None  # of the step validated last
        self._dead: set[str] = set()
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / "args.json", args.to_json() + "\n")
        write_text(folder / "config.json", state.network.config.to_json() + "\n")
        self._log = Log(folder, state.step)
        self._saved = time.monotonic()
        self._report_baseline(data.drawn)

    def __enter__(self) -> "Record":
        return self

    def __exit__(self, *_: object) -> None:
        self._log.close()

    def log(self, values: Mapping[str, float], lr: float, speed: float) -> None:
        """Write a log row: the loss and its parts, the learning rate, samples per second."""
        state = self._state
        extra = {"lr": lr, "skipped": state.skipped, "samples_per_second": speed}
        self._log.row("train", state.step, {**values, **extra})
        self._callback.on_log(f"loss {values['loss']:.4f}  {speed:.1f} samples/s")

    def validate(self, device: torch.device) -> None:
        """Score the averaged weights, and save them if they are the best so far."""
        if self._held_out is None or self._validated == self._state.step:
            return
        self._validated = self._state.step
        network = self._state.average.network
        score = validate(network, self._held_out, device)
        self._score = score
        self._log.row("validation", self._state.step, {"psnr": score})
        self._log.image(self._state.step, sample_image(network, self._held_out, device))
        best = score > self._state.best
        if best:
            self._state.best = score
            self._save_weights("best")
        self._warn_of_dead_layers(network, device)
        self._callback.on_message(
            f"step {self._state.step}: {score:.3f} dB in validation{' (best)' if best else ''}"
        )

    def save_if_due(self) -> None:
        """Save if the last checkpoint is older than ``checkpoint_minutes``."""
        if time.monotonic() - self._saved > self._args.checkpoint_minutes * 60:
            self.save()

    def save(self) -> None:
        """Save the state and the averaged weights."""
        checkpoint.save(self._state, self._args, self._folder / checkpoint.NAME)
        self._save_weights("last")
        self._saved = time.monotonic()

    def _report_baseline(self, drawn: bool) -> None:
        if self._held_out is None:
            self._callback.on_message(
                "validation: none; there will be no validation.csv and no best.safetensors"
            )
            return
        kind = "drawn from the training data" if drawn else "held-out"
        self._callback.on_message(
            f"validation: {len(self._held_out)} {kind} triplets; the mean of their outer frames "
            f"scores {average_baseline_psnr(self._held_out):.2f} dB"
        )
        if drawn:
            self._callback.on_message(
                "no shots are held out, since there are too few videos (docs/training.md): the "
                "score shows progress, not the quality on other videos"
            )

    def _warn_of_dead_layers(self, network: AnyNetwork, device: torch.device) -> None:
        """Report each layer that has died, once."""
        assert self._held_out is not None
        dead = find_dead_layers(network, pick_samples(self._held_out), device)
        if new := sorted(set(dead) - self._dead):
            self._dead.update(new)
            self._callback.on_message(
                f"step {self._state.step}: dead layers, whose output is always 0: "
                f"{', '.join(new)}. Initialise them again (--set fresh=...), with a lower --lr or "
                "another weight_decay"
            )

    def _save_weights(self, name: str) -> None:
        info = {"run": self._args.run, "step": str(self._state.step)}
        if self._score is not None and self._validated == self._state.step:
            info["validation_psnr"] = f"{self._score:.4f}"
        file = self._folder / f"{name}.safetensors"
        weights.save(self._state.average.network, file, info=info, dtype=torch.float16)

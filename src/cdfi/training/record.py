"""What the first process leaves of a run: log rows, validations, weights, checkpoints."""

import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from cdfi import weights
from cdfi.common.files import write_text
from cdfi.models import Network
from cdfi.training import checkpoint
from cdfi.training.args import TrainArgs
from cdfi.training.callback import Callback
from cdfi.training.checkpoint import State
from cdfi.training.dead_layers import silent_layers
from cdfi.training.logs import Log
from cdfi.training.validate import average_baseline_psnr, pick_samples, sample_image, validate


class Record:
    """The folder of a run, kept up to date.

    It holds ``args.json``, ``config.json``, ``train.csv``, ``validation.csv``, ``samples/``,
    ``tensorboard/``, ``checkpoint.pt`` (to resume), ``last.safetensors`` and ``best.safetensors``
    (averaged weights).

    Args:
        folder: made if absent.
        args: the run.
        state: what it changes.
        held_out: validation triplets, uint8 (M, 3, H, W, 3), or None.
        callback: is told of validations.
    """

    def __init__(
        self,
        folder: Path,
        args: TrainArgs,
        state: State,
        held_out: np.ndarray | None,
        callback: Callback,
    ) -> None:
        self._folder, self._args, self._state = folder, args, state
        self._held_out, self._callback = held_out, callback
        self._validated = -1
        self._score: float | None = None  # of the step validated last
        self._silent: set[str] = set()
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / "args.json", args.to_json() + "\n")
        write_text(folder / "config.json", state.network.config.to_json() + "\n")
        self._log = Log(folder, state.step)
        self._saved = time.monotonic()
        if held_out is not None:
            callback.on_message(
                f"validation: {len(held_out)} held-out triplets; the mean of their outer frames "
                f"scores {average_baseline_psnr(held_out):.2f} dB"
            )

    def __enter__(self) -> "Record":
        return self

    def __exit__(self, *_: object) -> None:
        self._log.close()

    def measured(self, values: Mapping[str, float], lr: float, speed: float) -> None:
        """A log row: the loss and its parts, the learning rate, samples a second."""
        state = self._state
        extra = {"lr": lr, "skipped": state.skipped, "samples_per_second": speed}
        self._log.row("train", state.step, {**values, **extra})
        self._callback.on_log(f"loss {values['loss']:.4f}  {speed:.1f} samples/s")

    def validated(self, device: torch.device) -> None:
        """Score the averaged weights; keep them if they are the best so far."""
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
            self._keep("best")
        self._warn_of_silence(network, device)
        self._callback.on_message(
            f"step {self._state.step}: {score:.3f} dB on held-out shots{' (best)' if best else ''}"
        )

    def _warn_of_silence(self, network: Network, device: torch.device) -> None:
        """Say once of each layer that has died."""
        assert self._held_out is not None
        silent = silent_layers(network, pick_samples(self._held_out), device)
        if fresh := sorted(set(silent) - self._silent):
            self._silent.update(fresh)
            self._callback.on_message(
                f"step {self._state.step}: nothing gets through {', '.join(fresh)} any more. Start "
                "those layers afresh (--set fresh=...), with a lower --lr or another weight_decay"
            )

    def save_in_time(self) -> None:
        """Save if the last checkpoint is old enough."""
        if time.monotonic() - self._saved > self._args.checkpoint_minutes * 60:
            self.save()

    def save(self) -> None:
        """Save the state and the averaged weights."""
        checkpoint.save(self._state, self._args, self._folder / checkpoint.NAME)
        self._keep("last")
        self._saved = time.monotonic()

    def _keep(self, name: str) -> None:
        info = {"run": self._args.run, "step": str(self._state.step)}
        if self._score is not None and self._validated == self._state.step:
            info["validation_psnr"] = f"{self._score:.4f}"
        weights.save(self._state.average.network, self._folder / f"{name}.safetensors", info)

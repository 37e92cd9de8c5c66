"""Fine-tune a network into a sparse one, and read its densities."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch

from cdfi import weights
from cdfi.common.files import write_text
from cdfi.compression.density import Density, density, overall
from cdfi.compression.obproxsg import OBProxSG
from cdfi.compression.tables import as_csv, as_json
from cdfi.compression.tracing.layers import layers
from cdfi.data.batch import Batch
from cdfi.data.mixture import Mixture
from cdfi.design.settings import Pruning
from cdfi.models import AnyNetwork
from cdfi.training import checkpoint
from cdfi.training.args import TrainArgs
from cdfi.training.build import run_length
from cdfi.training.callback import Callback, Outcome, Reason
from cdfi.training.distributed import join_processes
from cdfi.training.loop import Run, check
from cdfi.training.sources import Data, open_data
from cdfi.training.stop import Stop
from cdfi.training.validate import validate

#: What pruning writes into the folder of its run, in addition to the files of every run.
PRUNED, DENSITIES = "pruned.safetensors", "density.json"


class Pruned(NamedTuple):
    """The result of a pruning run.

    Attributes:
        outcome: how the run ended.
        densities: of every layer.
        quality: PSNR in dB on the held-out triplets; -inf if there are none.
        path: the sparse weights.
    """

    outcome: Outcome
    densities: list[Density]
    quality: float
    path: Path


def prune(
    args: TrainArgs, pruning: Pruning, resume: Path | None = None, callback: Callback | None = None
) -> Pruned:
    """Run the training loop with OBProxSG until the density or the last step is reached.

    The run's folder gets ``pruned.safetensors`` (float32) and its densities as JSON and CSV. An
    interrupted run leaves a checkpoint to ``resume`` from.

    Raises:
        ValueError: no weights to start from, data that cannot be used, a diverging run, or a
            folder that holds another run.
    """
    if not args.weights:
        raise ValueError("pruning starts from trained weights: give --weights (a name or a file)")
    checkpoint.require_unused(Path(args.out).expanduser() / args.run, resume)
    terms = check(args)
    callback = callback or Callback()
    processes = join_processes(args.device)
    torch.manual_seed(args.seed)
    mixture, held_out = _data(args, pruning, callback)
    run = Run(args, processes, Data(mixture, held_out), terms)
    epoch = run_length(args, mixture.size, args.batch * processes.count).epoch
    run.state.optimizer = build_pruner(run.state.network, args.lr, pruning, epoch)
    if resume is not None:
        checkpoint.restore(run.state, checkpoint.read(resume), resume)
    density_callback = _DensityCallback(run.state.network, callback, args.log_every)
    with _StopAtDensity(density_callback, pruning.stop_density, args.max_minutes) as stop:
        outcome = run.fit(stop, density_callback)
    quality = float("-inf")
    if held_out is not None:
        quality = validate(run.state.network, held_out, processes.device)
    path, rows = _write_results(run.state.network, outcome.folder)
    return Pruned(outcome, rows, quality, path)


def sweep(
    args: TrainArgs,
    pruning: Pruning,
    lambdas: Sequence[float],
    callback: Callback | None = None,
    resume: bool = False,
) -> dict[float, Pruned]:
    """Prune in a short run with each penalty, to choose one of them.

    With ``resume``, interrupted runs continue, and finished ones are only read.

    Raises:
        ValueError: as :func:`prune`.
        InterruptedError: a run was stopped; the same call with ``resume`` continues.
    """
    runs = {}
    for number in lambdas:
        once = replace(args, run=f"{args.run}/lambda-{number:g}")
        folder = Path(once.out).expanduser() / once.run
        how = replace(pruning, lambda_=number, stop_density=0.0)
        runs[number] = prune(once, how, checkpoint.resumable(folder) if resume else None, callback)
        if runs[number].outcome.reason == "interrupted":
            raise InterruptedError("the search was interrupted; --resume continues it")
    return runs


def best_of(runs: dict[float, Pruned], target: float) -> float:
    """Return the penalty whose density is closest to ``target``.

    Raises:
        ValueError: there are no runs.
    """
    if not runs:
        raise ValueError("a search needs at least one penalty to try")
    return min(runs, key=lambda number: abs(overall(runs[number].densities) - target))


def build_pruner(network: AnyNetwork, lr: float, pruning: Pruning, epoch: int) -> OBProxSG:
    """Return OBProxSG with a penalty on the weights of layers, and none on other parameters.

    Args:
        network: its parameters are optimized.
        lr: learning rate.
        pruning: the penalty and the phases.
        epoch: steps in an epoch.
    """
    matrices = [layer.weight for layer in layers(network)]
    taken = set(map(id, matrices))
    others = [p for p in network.parameters() if id(p) not in taken]
    groups: list[dict[str, Any]] = [{"params": matrices}, {"params": others, "lambda_": 0.0}]
    return OBProxSG(
        groups,
        lr,
        pruning.lambda_,
        steps_per_epoch=epoch,
        prox_epochs=pruning.prox_epochs,
        eps=pruning.eps,
    )


class _DensityCallback(Callback):
    """Measures the density at log steps, and forwards everything to another callback."""

    def __init__(self, network: AnyNetwork, callback: Callback, every: int) -> None:
        self.density = 1.0
        self._network, self._callback, self._every = network, callback, every
        self.on_decode = callback.on_decode  # type: ignore[method-assign]
        self.on_message = callback.on_message  # type: ignore[method-assign]

    def on_step(self, step: int, steps: int) -> None:
        """Measure the density at log steps and at the end."""
        if step % self._every == 0 or step == steps:
            self.density = overall(density(self._network))
            self._callback.on_log(f"density {self.density:.3f}")
        self._callback.on_step(step, steps)

    def on_log(self, note: str) -> None:
        """Add the density to a note on loss and speed."""
        self._callback.on_log(f"{note}  density {self.density:.3f}")


class _StopAtDensity(Stop):
    """Ends a run as finished once its density is low enough."""

    def __init__(self, callback: _DensityCallback, target: float, minutes: float) -> None:
        super().__init__(minutes)
        self._callback, self._target = callback, target

    def reason(self) -> Reason | None:
        """Return why to stop now, or None to continue."""
        return "finished" if self._callback.density <= self._target else super().reason()


class _Subset(Mixture):
    """The first samples of a stream, repeated."""

    def __init__(self, mixture: Mixture, samples: int) -> None:
        self._mixture, self._samples = mixture, samples

    @property
    def size(self) -> int:
        return self._samples

    def batch(self, first: int, count: int) -> Batch:
        parts = []
        while count:  # a batch can pass the end of the subset, and then continues at its start
            start = first % self._samples
            taken = min(count, self._samples - start)
            parts.append(self._mixture.batch(start, taken))
            first, count = first + taken, count - taken
        return parts[0] if len(parts) == 1 else Batch(*map(torch.cat, zip(*parts)))


def _data(args: TrainArgs, pruning: Pruning, callback: Callback) -> tuple[Mixture, Any]:
    """Return the stream of samples, or a subset of it, and the validation triplets."""
    data = open_data(args, callback.on_decode)
    assert data.mixture is not None
    subset = _Subset(data.mixture, pruning.samples) if pruning.samples else data.mixture
    return subset, data.held_out


def _write_results(network: AnyNetwork, folder: Path) -> tuple[Path, list[Density]]:
    """Write the sparse weights and their densities."""
    rows = density(network)
    weights.save(
        network, folder / PRUNED, info={"density": f"{overall(rows):.4f}"}, dtype=torch.float32
    )
    for name, text in ((DENSITIES, as_json(rows)), ("density.csv", as_csv(rows))):
        write_text(folder / name, text)
    return folder / PRUNED, rows

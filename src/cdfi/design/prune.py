"""Fine-tune a network into a sparse one, and read its densities."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
from cdfi.models import Network
from cdfi.training import checkpoint
from cdfi.training.args import TrainArgs
from cdfi.training.build import run_length
from cdfi.training.callback import Callback, Outcome, Reason
from cdfi.training.distributed import join_processes
from cdfi.training.loop import Run, check
from cdfi.training.sources import Data, open_data
from cdfi.training.stop import Stop
from cdfi.training.validate import validate

#: What pruning leaves in the folder of its run, beside the files of every run.
PRUNED, DENSITIES = "pruned.safetensors", "density.json"

#: The published settings (CDFI, extended example), with the loss that needs no download.
PUBLISHED = TrainArgs(
    weights="default",
    loss="1*Charb",
    optimizer="OBProxSG",
    lr=1e-2,
    schedule="constant",
    epochs=30,
    run="prune",
)


@dataclass(frozen=True)
class Pruning:
    """How a network is made sparse.

    Attributes:
        lambda_: weight of the l1 penalty on the weights of layers; biases have none.
        prox_epochs: epochs of proximal steps before the orthant steps.
        eps: an orthant step sets to zero what it leaves at or under this size.
        target: stop at this density of all layers; 0 goes on to the end.
        samples: train on this many samples over and over; 0 uses all.
    """

    lambda_: float = 1e-4
    prox_epochs: float = 10
    eps: float = 1e-4
    target: float = 0.0
    samples: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.target < 1:
            raise ValueError(f"a target density lies in [0, 1), got {self.target}")
        if self.samples < 0:
            raise ValueError(f"a subset has 1 sample or more, or 0 for all; got {self.samples}")


class Pruned(NamedTuple):
    """What a pruning run left."""

    outcome: Outcome
    densities: list[Density]
    quality: float  # dB on the held-out triplets; -inf without any
    path: Path


def prune(
    args: TrainArgs, pruning: Pruning, resume: Path | None = None, callback: Callback | None = None
) -> Pruned:
    """Run the training loop with OBProxSG until the target density or the end.

    The run's folder gets ``pruned.safetensors`` (float32) and its densities as JSON and CSV. An
    interrupted run leaves a checkpoint to ``resume`` from.

    Raises:
        ValueError: no weights to begin with, data that cannot be used, a diverging run, or a
            folder that holds another run.
    """
    if not args.weights:
        raise ValueError("pruning starts from trained weights: give --weights (a name or a file)")
    checkpoint.require_unused(Path(args.out).expanduser() / args.run, resume)
    terms = check(args)
    callback = callback or Callback()
    processes = join_processes(args.device)
    torch.manual_seed(args.seed)
    data = _subset(open_data(args, callback.on_decode), pruning.samples)
    run = Run(args, processes, data, terms)
    epoch = run_length(args, data.mixture.size, processes.count).epoch
    run.state.optimizer = optimizer(run.state.network, args.lr, pruning, epoch)
    if resume is not None:
        checkpoint.restore(run.state, checkpoint.read(resume), resume)
    gauge = _DensityCallback(run.state.network, callback, args.log_every, pruning.target)
    with _StopAtDensity(gauge, args.max_minutes) as stop:
        outcome = run.fit(stop, gauge)
    quality = float("-inf")
    if data.held_out is not None:
        quality = validate(run.state.network, data.held_out, processes.device)
    path, rows = _write_results(run.state.network, outcome.folder)
    return Pruned(outcome, rows, quality, path)


def sweep(
    args: TrainArgs,
    pruning: Pruning,
    lambdas: Sequence[float],
    callback: Callback | None = None,
    resume: bool = False,
) -> dict[float, Pruned]:
    """A short run for each penalty, to choose one by.

    With ``resume``, runs that are there go on where they stopped, and finished ones are only read.

    Raises:
        ValueError: as :func:`prune`.
        InterruptedError: a run was stopped; the same with ``resume`` goes on.
    """
    runs = {}
    for number in lambdas:
        once = replace(args, run=f"{args.run}/lambda-{number:g}")
        folder = Path(once.out).expanduser() / once.run
        how = replace(pruning, lambda_=number, target=0.0)
        runs[number] = prune(once, how, checkpoint.resumable(folder) if resume else None, callback)
        if runs[number].outcome.reason == "interrupted":
            raise InterruptedError("the search was interrupted: the same with --resume goes on")
    return runs


def best_of(runs: dict[float, Pruned], target: float) -> float:
    """The penalty whose density comes nearest to the target.

    Raises:
        ValueError: there are no runs.
    """
    if not runs:
        raise ValueError("a sweep needs at least one penalty to try")
    return min(runs, key=lambda number: abs(overall(runs[number].densities) - target))


def optimizer(network: Network, lr: float, pruning: Pruning, epoch: int) -> OBProxSG:
    """OBProxSG with a penalty on the weights of layers, and none on all other parameters."""
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
    """Reads the density now and then, and passes everything on."""

    def __init__(self, network: Network, callback: Callback, every: int, target: float) -> None:
        self.now = 1.0
        self.target = target
        self._network, self._callback, self._every = network, callback, every
        self.on_decode = callback.on_decode  # type: ignore[method-assign]
        self.on_message = callback.on_message  # type: ignore[method-assign]

    def on_step(self, step: int, steps: int) -> None:
        """Measure, where it is time."""
        if step % self._every == 0 or step == steps:
            self.now = overall(density(self._network))
            self._callback.on_log(f"density {self.now:.3f}")
        self._callback.on_step(step, steps)

    def on_log(self, note: str) -> None:
        """Add the density to a note on speed and loss."""
        self._callback.on_log(f"{note}  density {self.now:.3f}")


class _StopAtDensity(Stop):
    """Ends a run as finished once it is sparse enough."""

    def __init__(self, gauge: _DensityCallback, minutes: float) -> None:
        super().__init__(minutes)
        self._gauge = gauge

    def reason(self) -> Reason | None:
        """Why to stop now; None to go on."""
        return "finished" if self._gauge.now <= self._gauge.target else super().reason()


class _Subset(Mixture):
    """The first samples of a stream, over and over."""

    def __init__(self, whole: Mixture, samples: int) -> None:
        self._whole, self._samples = whole, samples

    @property
    def size(self) -> int:
        return self._samples

    def batch(self, first: int, count: int) -> Batch:
        parts = []
        while count:  # a batch that passes the end of the subset goes on at its beginning
            start = first % self._samples
            taken = min(count, self._samples - start)
            parts.append(self._whole.batch(start, taken))
            first, count = first + taken, count - taken
        return parts[0] if len(parts) == 1 else Batch(*map(torch.cat, zip(*parts)))


def _subset(data: Data, samples: int) -> Data:
    return data._replace(mixture=_Subset(data.mixture, samples)) if samples else data


def _write_results(network: Network, folder: Path) -> tuple[Path, list[Density]]:
    """Write the sparse weights and their densities; each file appears whole."""
    rows = density(network)
    weights.save(network, folder / PRUNED, {"density": f"{overall(rows):.4f}"}, torch.float32)
    for name, text in ((DENSITIES, as_json(rows)), ("density.csv", as_csv(rows))):
        write_text(folder / name, text)
    return folder / PRUNED, rows

"""The whole method: prune, read densities, derive the compact network, retrain, compare."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from cdfi import weights
from cdfi.common.files import write_text
from cdfi.compression.budget import Budget, ratio
from cdfi.compression.density import overall
from cdfi.compression.tables import from_json
from cdfi.design.architecture import compact, size_of
from cdfi.design.comparison import ComparedNetwork, compare
from cdfi.design.distill import distillation
from cdfi.design.prune import DENSITIES, PRUNED, Pruning, prune
from cdfi.evaluation import find
from cdfi.training.args import TrainArgs
from cdfi.training.callback import Callback
from cdfi.training.checkpoint import resumable
from cdfi.training.loop import check, train
from cdfi.training.sources import open_data

#: What the stages leave in the folder of a compression.
CHOICES, COMPACT, DERIVED, SMALL = (
    "choices.json",
    "compact.safetensors",
    "derived.json",
    "small.safetensors",
)


@dataclass(frozen=True)
class Compression:
    """What a compression is asked for.

    Attributes:
        times: so many times fewer parameters; 0 for no such budget.
        parameters, flops: at most so many (operations of a 720p frame); 0 for no such budget.
            Without any budget the densities are taken as they are.
        rule: "min", "max" or "mean": how layers that share a width agree.
        round_to: widths are rounded up to a multiple of this.
        distill_output, distill_maps: weights of the losses to the original network; 0 for none.
        datasets: sets the report also scores, by name or folder.
        size: width and height that time and memory are measured at.
    """

    times: float = 0.0
    parameters: int = 0
    flops: int = 0
    rule: str = "min"
    round_to: int = 1
    distill_output: float = 0.0
    distill_maps: float = 0.0
    datasets: tuple[str, ...] = ()
    size: tuple[int, int] = (640, 480)


def compress(
    options: Compression,
    pruning: Pruning,
    prune_args: TrainArgs,
    train_args: TrainArgs,
    callback: Callback | None = None,
) -> list[ComparedNetwork]:
    """Compress the network that ``prune_args.weights`` names, in ``out/run`` of ``train_args``.

    A stage whose result is there and whole is skipped, a stage that was interrupted continues:
    the same call again goes on where it stopped.

    Args:
        options: the budget and how it is met.
        pruning: how the network is made sparse.
        prune_args: the run that prunes; its name and place are those of ``train_args``.
        train_args: the run that retrains; network and weights are those derived.
        callback: is told how it goes.

    Returns:
        The table: the original, the pruned, the compact network before and after retraining.

    Raises:
        ValueError: an impossible budget, other choices than the folder was begun with, or
            anything the stages raise.
        InterruptedError: a stage was stopped, or out of time; the same call continues.
    """
    callback = callback or Callback()
    folder = Path(train_args.out).expanduser() / train_args.run
    original = prune_args.weights
    budget = _budget(options, original)
    prune_args = replace(prune_args, out=str(folder), run="prune")
    retrain = replace(
        train_args, out=str(folder), run="retrain", network="", weights=str(folder / COMPACT)
    )
    _check(options, prune_args, retrain)
    held_out = open_data(train_args).held_out
    _begin(folder, [asdict(part) for part in (options, pruning, prune_args, retrain)])
    at = _networks(folder, original)
    _stage("prune", at["pruned"], callback, lambda: _prune(prune_args, pruning, callback))
    _stage("derive", folder / COMPACT, callback, lambda: _derive(folder, options, budget))
    _stage(
        "retrain", at["compact"], callback, lambda: _retrain(retrain, original, options, callback)
    )
    callback.on_message("report: scoring the networks before and after")
    return compare(at, held_out, options.datasets, options.size, folder)


def _check(options: Compression, *runs: TrainArgs) -> None:
    """Refuse what a late stage would refuse, before any work."""
    for args in runs:
        check(args)
    for name in options.datasets:
        find(name)


def _networks(folder: Path, original: str) -> dict[str, str | Path]:
    """What the report compares: its name, and where it is."""
    return {
        "original": Path(original) if Path(original).is_file() else original,
        "pruned": folder / "prune" / PRUNED,
        "compact, before retraining": folder / COMPACT,
        "compact": folder / SMALL,
    }


def _budget(options: Compression, original: str) -> Budget | None:
    """The budget in parameters and operations; raises what is impossible before any work."""
    network = weights.load(original)
    if options.times:
        return ratio(options.times, size_of(network))
    if options.parameters or options.flops:
        return Budget(options.parameters or None, options.flops or None)
    return None


def _begin(folder: Path, choices: list[dict[str, object]]) -> None:
    """Note the choices, or refuse to mix them with those of an earlier beginning."""
    text = json.dumps(choices, indent=2) + "\n"
    file = folder / CHOICES
    if file.is_file() and file.read_text(encoding="utf-8") != text:
        raise ValueError(
            f"{folder} holds a compression that was begun with other choices (see {file}): repeat "
            "those to continue it, or give another --run"
        )
    write_text(file, text)


def _stage(name: str, result: str | Path, callback: Callback, work: Callable[[], None]) -> None:
    """Do ``work`` unless its result is there and whole."""
    try:
        weights.load(result)
    except ValueError:
        callback.on_message(f"{name}: begins")
        work()
    else:
        callback.on_message(f"{name}: done before, {result}")


def _prune(args: TrainArgs, pruning: Pruning, callback: Callback) -> None:
    pruned = prune(args, pruning, resumable(Path(args.out) / args.run), callback)
    if pruned.outcome.reason != "finished":
        pruned.path.unlink()
        raise InterruptedError("the pruning was interrupted: the same command continues it")
    callback.on_message(f"pruned to a density of {overall(pruned.densities):.3f}")


def _derive(folder: Path, options: Compression, budget: Budget | None) -> None:
    rows = from_json((folder / "prune" / DENSITIES).read_text(encoding="utf-8"))
    network = weights.load(folder / "prune" / PRUNED)
    densities = {row.name: row.density for row in rows}
    small, how = compact(network, densities, options.rule, options.round_to, budget)
    note = {"factor": how.factor, "before": how.before._asdict(), "after": how.after._asdict()}
    write_text(folder / DERIVED, json.dumps(note, indent=2) + "\n")
    weights.save(small, folder / COMPACT, {"factor": f"{how.factor:.6g}"}, torch.float32)


def _retrain(args: TrainArgs, original: str, options: Compression, callback: Callback) -> None:
    folder = Path(args.out)
    terms = distillation(weights.load(original), options.distill_output, options.distill_maps)
    outcome = train(args, resumable(folder / args.run), callback, terms)
    if outcome.reason != "finished":
        raise InterruptedError("the retraining was interrupted: the same command continues it")
    best = outcome.folder / "best.safetensors"
    result = best if best.is_file() else outcome.folder / "last.safetensors"
    weights.save(weights.load(result), folder / SMALL, {"compressed_from": original})

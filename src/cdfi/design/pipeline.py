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
from cdfi.training.checkpoint import begun
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
        teach_output, teach_maps: weights of the original's lessons while retraining; 0 for none.
        datasets: sets the report also scores, by name or folder.
        size: width and height that time and memory are measured at.
    """

    times: float = 0.0
    parameters: int = 0
    flops: int = 0
    rule: str = "min"
    round_to: int = 1
    teach_output: float = 0.0
    teach_maps: float = 0.0
    datasets: tuple[str, ...] = ()
    size: tuple[int, int] = (640, 480)


def compress(
    wish: Compression,
    pruning: Pruning,
    prune_args: TrainArgs,
    train_args: TrainArgs,
    watcher: Callback | None = None,
) -> list[ComparedNetwork]:
    """Compress the network that ``prune_args.weights`` names, in ``out/run`` of ``train_args``.

    A stage whose result is there and whole is skipped, a stage that was interrupted continues:
    the same call again goes on where it stopped.

    Args:
        wish: the budget and how it is met.
        pruning: how the network is made sparse.
        prune_args: the run that prunes; its name and place are those of ``train_args``.
        train_args: the run that retrains; network and weights are those derived.
        watcher: is told how it goes.

    Returns:
        The table: the original, the pruned, the compact network before and after retraining.

    Raises:
        ValueError: an impossible budget, other choices than the folder was begun with, or
            anything the stages raise.
        InterruptedError: a stage was stopped, or out of time; the same call continues.
    """
    watcher = watcher or Callback()
    folder = Path(train_args.out).expanduser() / train_args.run
    original = prune_args.weights
    budget = _budget(wish, original)
    prune_args = replace(prune_args, out=str(folder), run="prune")
    retrain = replace(
        train_args, out=str(folder), run="retrain", network="", weights=str(folder / COMPACT)
    )
    _check(wish, prune_args, retrain)
    held_out = open_data(train_args).held_out
    _begin(folder, [asdict(part) for part in (wish, pruning, prune_args, retrain)])
    at = _networks(folder, original)
    _stage("prune", at["pruned"], watcher, lambda: _prune(prune_args, pruning, watcher))
    _stage("derive", folder / COMPACT, watcher, lambda: _derive(folder, wish, budget))
    _stage("retrain", at["compact"], watcher, lambda: _retrain(retrain, original, wish, watcher))
    watcher.said("report: scoring the networks before and after")
    return compare(at, held_out, wish.datasets, wish.size, folder)


def _check(wish: Compression, *runs: TrainArgs) -> None:
    """Refuse what a late stage would refuse, before any work."""
    for args in runs:
        check(args)
    for name in wish.datasets:
        find(name)


def _networks(folder: Path, original: str) -> dict[str, str | Path]:
    """What the report compares: its name, and where it is."""
    return {
        "original": Path(original) if Path(original).is_file() else original,
        "pruned": folder / "prune" / PRUNED,
        "compact, before retraining": folder / COMPACT,
        "compact": folder / SMALL,
    }


def _budget(wish: Compression, original: str) -> Budget | None:
    """The budget in parameters and operations; raises what is impossible before any work."""
    network = weights.load(original)
    if wish.times:
        return ratio(wish.times, size_of(network))
    if wish.parameters or wish.flops:
        return Budget(wish.parameters or None, wish.flops or None)
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


def _stage(name: str, result: str | Path, watcher: Callback, work: Callable[[], None]) -> None:
    """Do ``work`` unless its result is there and whole."""
    try:
        weights.load(result)
    except ValueError:
        watcher.said(f"{name}: begins")
        work()
    else:
        watcher.said(f"{name}: done before, {result}")


def _prune(args: TrainArgs, pruning: Pruning, watcher: Callback) -> None:
    pruned = prune(args, pruning, begun(Path(args.out) / args.run), watcher)
    if pruned.outcome.reason != "finished":
        pruned.path.unlink()
        raise InterruptedError("the pruning was interrupted: the same command continues it")
    watcher.said(f"pruned to a density of {overall(pruned.densities):.3f}")


def _derive(folder: Path, wish: Compression, budget: Budget | None) -> None:
    rows = from_json((folder / "prune" / DENSITIES).read_text(encoding="utf-8"))
    network = weights.load(folder / "prune" / PRUNED)
    densities = {row.name: row.density for row in rows}
    small, how = compact(network, densities, wish.rule, wish.round_to, budget)
    note = {"factor": how.factor, "before": how.before._asdict(), "after": how.after._asdict()}
    write_text(folder / DERIVED, json.dumps(note, indent=2) + "\n")
    weights.save(small, folder / COMPACT, {"factor": f"{how.factor:.6g}"}, torch.float32)


def _retrain(args: TrainArgs, original: str, wish: Compression, watcher: Callback) -> None:
    folder = Path(args.out)
    terms = distillation(weights.load(original), wish.teach_output, wish.teach_maps)
    outcome = train(args, begun(folder / args.run), watcher, terms)
    if outcome.reason != "finished":
        raise InterruptedError("the retraining was interrupted: the same command continues it")
    best = outcome.folder / "best.safetensors"
    result = best if best.is_file() else outcome.folder / "last.safetensors"
    weights.save(weights.load(result), folder / SMALL, {"compressed_from": original})

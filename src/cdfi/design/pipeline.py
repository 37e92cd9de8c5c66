"""The compression pipeline: prune, read densities, derive, retrain, compare."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from cdfi import weights
from cdfi.common.files import write_text
from cdfi.compression.budget import Budget, ratio
from cdfi.compression.density import overall
from cdfi.compression.tables import read_densities
from cdfi.design.architecture import compact, size_of
from cdfi.design.comparison import ComparedNetwork, compare
from cdfi.design.distill import distillation
from cdfi.design.prune import DENSITIES, PRUNED, prune
from cdfi.design.settings import Compression, Pruning
from cdfi.evaluation import find_dataset
from cdfi.training.args import RENAMED_VALUES, TrainArgs
from cdfi.training.callback import Callback
from cdfi.training.checkpoint import resumable
from cdfi.training.loop import check, train
from cdfi.training.sources import open_data

#: What the stages write into the folder of a compression.
CHOICES, COMPACT, DERIVED, SMALL = (
    "choices.json",
    "compact.safetensors",
    "derived.json",
    "small.safetensors",
)
#: Names in choices.json that version 0.1.0 wrote differently.
RENAMED = {
    "times": "ratio",
    "parameters": "params",
    "teach_output": "distill_output",
    "teach_maps": "distill_maps",
    "target": "stop_density",
}


def compress(
    options: Compression,
    pruning: Pruning,
    prune_args: TrainArgs,
    train_args: TrainArgs,
    callback: Callback | None = None,
) -> list[ComparedNetwork]:
    """Compress the network that ``prune_args.weights`` names, in ``out/run`` of ``train_args``.

    A stage whose result exists and is complete is skipped, and an interrupted stage continues: the
    same call continues an interrupted compression.

    Args:
        options: the budget, the distillation and the report.
        pruning: how the network is made sparse.
        prune_args: the run that prunes; its name and folder are set here.
        train_args: the run that retrains; its network and weights are those derived.
        callback: is called as the stages proceed.

    Returns:
        The rows of the report: original, pruned, compact before and after retraining.

    Raises:
        ValueError: an impossible budget, other choices than the folder was begun with, or
            any error of a stage.
        InterruptedError: a stage was stopped, or out of time; the same call continues.
    """
    callback = callback or Callback()
    folder = Path(train_args.out).expanduser() / train_args.run
    original = _checked_original(prune_args)
    budget = budget_of(options, original)
    prune_args, retrain = _runs(prune_args, train_args, folder)
    _check(options, prune_args, retrain)
    held_out = open_data(train_args, callback.on_decode).held_out
    _record_choices(folder, [asdict(part) for part in (options, pruning, prune_args, retrain)])
    networks = _networks(folder, original)
    if _must_run("prune", networks["pruned"], callback):
        _prune(prune_args, pruning, callback)
    if _must_run("derive", folder / COMPACT, callback):
        _derive(folder, options, budget)
    if _must_run("retrain", networks["compact"], callback):
        _retrain(retrain, original, options, callback)
    callback.on_message("report: scoring the networks before and after")
    return compare(networks, held_out, options.datasets, options.size, folder)


def _checked_original(args: TrainArgs) -> str:
    """Return the weights to compress, after checking that they can be loaded.

    Raises:
        ValueError: there are none, or they cannot be loaded.
    """
    if not args.weights:
        raise ValueError("compression starts from trained weights: give --weights")
    weights.load(args.weights)
    return args.weights


def budget_of(options: Compression, model: str) -> Budget | None:
    """Return the budget in parameters and operations; None without one.

    Args:
        options: the ratio or the amounts.
        model: the network that a ratio refers to, a name or a file.

    Raises:
        ValueError: a ratio below 1, or a model that cannot be loaded.
    """
    network = weights.load(model)
    if options.ratio:
        return ratio(options.ratio, size_of(network))
    if options.params or options.flops:
        return Budget(options.params or None, options.flops or None)
    return None


def _check(options: Compression, *runs: TrainArgs) -> None:
    """Raise the errors of all stages before the first of them starts."""
    for args in runs:
        check(args)
    for name in options.datasets:
        find_dataset(name)


def _networks(folder: Path, original: str) -> dict[str, str | Path]:
    """Return the networks of the report: their titles, and their names or files."""
    return {
        "original": Path(original) if Path(original).is_file() else original,
        "pruned": folder / "prune" / PRUNED,
        "compact, before retraining": folder / COMPACT,
        "compact": folder / SMALL,
    }


def _record_choices(folder: Path, choices: list[dict[str, Any]]) -> None:
    """Write the choices into the folder, or raise an error if it has other ones."""
    text = json.dumps(choices, indent=2) + "\n"
    file = folder / CHOICES
    if file.is_file() and _choices(file) != json.loads(text):
        raise ValueError(
            f"{folder} holds a compression that was begun with other choices (see {file}): repeat "
            "those to continue it, or give another --run"
        )
    write_text(file, text)


def _choices(file: Path) -> object:
    """Return the choices in a file, with today's names and spellings."""
    try:
        parts = json.loads(file.read_text(encoding="utf-8"))
        return [_renewed(part) for part in parts]
    except (ValueError, AttributeError, TypeError):  # damaged: it equals no choices
        return None


def _renewed(part: dict[str, Any]) -> dict[str, Any]:
    defaults = asdict(TrainArgs()) if "optimizer" in part else {}
    renamed = {RENAMED.get(name, name): value for name, value in part.items()}
    for name, spellings in RENAMED_VALUES.items():
        if name in renamed:
            renamed[name] = spellings.get(renamed[name], renamed[name])
    new: dict[str, Any] = json.loads(json.dumps(defaults)) | renamed  # arguments added since
    return new


def _runs(prune: TrainArgs, retrain: TrainArgs, folder: Path) -> tuple[TrainArgs, TrainArgs]:
    """Return the arguments of both runs, placed in ``folder``."""
    out, start = str(folder), str(folder / COMPACT)
    return (
        replace(prune, out=out, run="prune"),
        replace(retrain, out=out, run="retrain", network="", weights=start),
    )


def _must_run(stage: str, result: str | Path, callback: Callback) -> bool:
    """Return whether a stage must run: its result is missing or cannot be loaded."""
    try:
        weights.load(result)
    except ValueError:
        callback.on_message(f"{stage}: begins")
        return True
    callback.on_message(f"{stage}: done before, {result}")
    return False


def _prune(args: TrainArgs, pruning: Pruning, callback: Callback) -> None:
    pruned = prune(args, pruning, resumable(Path(args.out) / args.run), callback)
    if pruned.outcome.reason != "finished":
        pruned.path.unlink()
        raise InterruptedError("the pruning was interrupted: the same command continues it")
    callback.on_message(f"pruned to a density of {overall(pruned.densities):.3f}")


def _derive(folder: Path, options: Compression, budget: Budget | None) -> None:
    rows = read_densities(folder / "prune" / DENSITIES)
    network = weights.load(folder / "prune" / PRUNED)
    densities = {row.name: row.density for row in rows}
    small, how = compact(network, densities, options.rule, options.round_to, budget)
    note = {"factor": how.factor, "before": how.before._asdict(), "after": how.after._asdict()}
    write_text(folder / DERIVED, json.dumps(note, indent=2) + "\n")
    weights.save(small, folder / COMPACT, info={"factor": f"{how.factor:.6g}"})


def _retrain(args: TrainArgs, original: str, options: Compression, callback: Callback) -> None:
    folder = Path(args.out)
    terms = distillation(weights.load(original), options.distill_output, options.distill_maps)
    outcome = train(args, resumable(folder / args.run), callback, terms)
    if outcome.reason != "finished":
        raise InterruptedError("the retraining was interrupted: the same command continues it")
    best = outcome.folder / "best.safetensors"
    result = best if best.is_file() else outcome.folder / "last.safetensors"
    weights.save(
        weights.load(result),
        folder / SMALL,
        info={"compressed_from": original},
        dtype=torch.float16,
    )

"""``cdfi prune``: a fine-tuning run that makes weights zero, and what it left."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from typer import Option

from cdfi.cli.console import INTERRUPTED, Bar, show, stdout

if TYPE_CHECKING:
    from cdfi.design.prune import Pruned, Pruning
    from cdfi.training.args import TrainArgs

#: Penalties that a search tries where none are named, around the published one.
LAMBDAS = "3e-5,1e-4,3e-4,1e-3,3e-3"


def prune(
    weights: Annotated[str, Option(help="Trained weights to begin with: a name or a file.")],
    data: Annotated[list[str], Option(help="KIND=FOLDER or KIND=FOLDER:WEIGHT, repeatable.")],
    lambda_: Annotated[float, Option("--lambda", help="Weight of the l1 penalty.")] = 1e-4,
    lr: Annotated[float, Option(help="Learning rate.")] = 1e-2,
    prox_epochs: Annotated[float, Option(help="Epochs before the orthant steps.")] = 10,
    eps: Annotated[float, Option(help="Orthant steps drop weights up to this size.")] = 1e-4,
    samples: Annotated[int, Option(help="Use only so many samples; 0 uses all.")] = 1000,
    epochs: Annotated[int, Option(help="Stop after so many epochs.")] = 30,
    stop_density: Annotated[float, Option(help="Stop at this density; 0 does not.")] = 0.0,
    target_density: Annotated[
        float | None,
        Option(help="Try several penalties in short runs, and prune with the one nearest to this."),
    ] = None,
    lambdas: Annotated[str, Option(help="Penalties to try, with commas between.")] = LAMBDAS,
    search_epochs: Annotated[int, Option(help="Epochs of each short run.")] = 12,
    plot: Annotated[Path | None, Option(help="Draw density against quality of the search.")] = None,
    crop: Annotated[int, Option(help="Side of crops; 0: whole frames.")] = 128,
    batch: Annotated[int, Option(help="Samples a step.")] = 8,
    setting: Annotated[
        list[str] | None,
        Option("--set", metavar="NAME=VALUE", help="Any other choice of cdfi train, repeatable."),
    ] = None,
    run: Annotated[str, Option(help="Name of the run and its folder.")] = "prune",
    out: Annotated[str, Option(help="Where runs are kept.")] = "runs",
    resume: Annotated[bool, Option("--resume", help="Continue the run of this name.")] = False,
    quiet: Annotated[bool, Option("--quiet", help="No progress.")] = False,
) -> None:
    """Make a trained network sparse, and read its densities.

    The run's folder gets pruned.safetensors, density.json and density.csv; then: cdfi derive.

    Example: cdfi prune --weights default --data clips=videos --target-density 0.3
    """
    from cdfi.design import prune as pruning
    from cdfi.training.args import changed
    from cdfi.training.checkpoint import resumable

    chosen = {
        "weights": weights,
        "data": tuple(data),
        "lr": lr,
        "epochs": epochs,
        "crop": crop,
        "batch": batch,
        "run": run,
        "out": out,
    }
    args = changed(pruning.PUBLISHED, chosen, setting or [])
    how = pruning.Pruning(lambda_, prox_epochs, eps, stop_density, samples)
    with Bar(quiet) as bar:
        if target_density is not None:
            short = replace(args, epochs=search_epochs)
            penalties = _numbers(lambdas)
            best = _search(short, how, penalties, target_density, plot, bar, resume)
            how = replace(how, lambda_=best, target=max(stop_density, target_density))
        folder = Path(args.out).expanduser() / args.run
        at = resumable(folder) if target_density is not None else folder  # or it was interrupted
        pruned = pruning.prune(args, how, at if resume else None, bar)
    _say(pruned)
    if pruned.outcome.reason == "interrupted":
        raise typer.Exit(INTERRUPTED)


def _search(
    args: "TrainArgs",
    how: "Pruning",
    lambdas: list[float],
    target: float,
    plot: Path | None,
    bar: Bar,
    resume: bool,
) -> float:
    """The penalty to prune with; prints what each short run came to."""
    from cdfi.compression.density import overall
    from cdfi.compression.tables import plot_search
    from cdfi.design.prune import best_of, sweep

    runs = sweep(args, how, lambdas, bar, resume)
    best = best_of(runs, target)
    table = Table("lambda", "density", "held-out PSNR", "")
    for number, pruned in runs.items():
        dense = f"{overall(pruned.densities):.3f}"
        mark = "chosen" if number == best else ""
        table.add_row(f"{number:g}", dense, f"{pruned.quality:.3f} dB", mark)
    show(table)
    if plot:
        points = {n: (overall(p.densities), p.quality) for n, p in runs.items()}
        plot_search(points, target, plot)
    return best


def _numbers(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",") if part.strip()]
    except ValueError as error:
        raise ValueError(f"--lambdas: expected numbers with commas, got {text!r}") from error


def _say(pruned: "Pruned") -> None:
    from cdfi.compression.tables import as_table

    stdout.out(as_table(pruned.densities))
    if pruned.quality > float("-inf"):
        stdout.print(f"held-out shots: {pruned.quality:.3f} dB")
    stdout.print(f"{pruned.outcome.reason} at step {pruned.outcome.step}: {pruned.path}")

"""``cdfi prune``: make a trained network sparse."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from typer import Option

from cdfi.cli.console import Bar, show, stdout
from cdfi.cli.early_checks import check_model
from cdfi.cli.field_options import FieldOptions, Values, field_options
from cdfi.common.exit_status import INTERRUPTED
from cdfi.design.settings import PUBLISHED, PUBLISHED_PRUNING, Pruning
from cdfi.training.args import TrainArgs, changed

if TYPE_CHECKING:
    from cdfi.design.prune import Pruned

#: Penalties that a search tries by default, around the published one.
LAMBDAS = "3e-5,1e-4,3e-4,1e-3,3e-3"

TargetDensity = Annotated[
    float | None,
    Option(help="Try several penalties in short runs, and prune with the one closest to this."),
]
Lambdas = Annotated[str, Option(help="Penalties to try, separated by commas.")]
SearchEpochs = Annotated[int, Option(help="Epochs of each short run.", min=1)]
PlotFile = Annotated[
    Path | None, Option(help="Draw density against quality of the search to this file.")
]
Setting = Annotated[
    list[str] | None,
    Option("--set", metavar="NAME=VALUE", help="Any other argument of cdfi train, repeatable."),
]
Resume = Annotated[bool, Option("--resume", help="Continue the run of this name.")]
Quiet = Annotated[bool, Option("--quiet", help="Show no progress.")]


@field_options(
    chosen=FieldOptions(
        TrainArgs,
        "weights data lr epochs crop batch run out",
        base=replace(PUBLISHED, crop=128),
        required="weights data",
    ),
    pruning=FieldOptions(
        Pruning, "lambda_ prox_epochs eps samples stop_density", base=PUBLISHED_PRUNING
    ),
)
def prune(
    chosen: Values,
    pruning: Values,
    target_density: TargetDensity = None,
    lambdas: Lambdas = LAMBDAS,
    search_epochs: SearchEpochs = 12,
    plot: PlotFile = None,
    setting: Setting = None,
    resume: Resume = False,
    quiet: Quiet = False,
) -> None:
    """Make a trained network sparse, and read the densities of its layers.

    The run's folder gets pruned.safetensors, density.json and density.csv; then: cdfi derive.

    Example: cdfi prune --weights default --data clips=videos --target-density 0.3
    """
    check_model(chosen["weights"])
    from cdfi.design import prune as stage
    from cdfi.training.checkpoint import resumable

    args, how = changed(PUBLISHED, chosen, setting or []), Pruning(**pruning)
    folder = Path(args.out).expanduser() / args.run
    with Bar(quiet) as bar:
        at: Path | None = folder
        if target_density is not None:
            if not 0 < target_density < 1:
                raise ValueError(f"--target-density must be in (0, 1), got {target_density}")
            short, penalties = replace(args, epochs=search_epochs), _numbers(lambdas)
            best = _search(short, how, penalties, target_density, plot, bar, resume)
            stop = max(how.stop_density, target_density)
            how = replace(how, lambda_=best, stop_density=stop)
            at = resumable(folder)  # None if the search was interrupted before this run
        pruned = stage.prune(args, how, at if resume else None, bar)
    _print_pruned(pruned)
    if pruned.outcome.reason == "interrupted":
        raise typer.Exit(INTERRUPTED)


def _search(
    args: TrainArgs,
    pruning: Pruning,
    lambdas: list[float],
    target: float,
    plot: Path | None,
    bar: Bar,
    resume: bool,
) -> float:
    """Return the penalty to prune with, and print the result of each short run."""
    from cdfi.compression.density import overall
    from cdfi.compression.tables import plot_search
    from cdfi.design.prune import best_of, sweep

    runs = sweep(args, pruning, lambdas, bar, resume)
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


def _print_pruned(pruned: "Pruned") -> None:
    from cdfi.compression.tables import as_table

    stdout.out(as_table(pruned.densities))
    if pruned.quality > float("-inf"):
        stdout.print(f"held-out shots: {pruned.quality:.3f} dB")
    stdout.print(f"{pruned.outcome.reason} at step {pruned.outcome.step}: {pruned.path}")

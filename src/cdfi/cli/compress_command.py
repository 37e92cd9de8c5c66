"""``cdfi compress``: prune, derive, retrain and compare, in one command."""

from pathlib import Path
from typing import Annotated, Any

from typer import Option

from cdfi.cli.console import Bar, stdout
from cdfi.cli.early_checks import check_model
from cdfi.cli.field_options import FieldOptions, Values, field_options
from cdfi.common.sizes import amount
from cdfi.design.settings import PUBLISHED, PUBLISHED_PRUNING, Compression, Pruning
from cdfi.training.args import TrainArgs, changed
from cdfi.training.presets import PRESETS, Preset

_WHAT, _PRUNE, _TRAIN, _RUN = "What, how small", "Pruning", "Retraining", "The run"
#: Arguments that the pruning run takes from those of the retraining.
_SHARED = ("data", "crop", "batch", "any_instant", "motion", "cache", "workers", "device")

PresetOption = Annotated[
    Preset | None,
    Option(
        help="Recipe of cdfi train; by default flow for flow networks, bundled for others.",
        rich_help_panel=_TRAIN,
    ),
]
Setting = Annotated[
    list[str] | None,
    Option("--set", metavar="NAME=VALUE", help="Any other argument of cdfi train, repeatable."),
]
Quiet = Annotated[bool, Option("--quiet", help="Show no progress.", rich_help_panel=_RUN)]


def budget_options(panel: str | None = None) -> FieldOptions:
    """Return the options that set the size of a derived network."""
    parse: dict[str, Any] = {"params": amount, "flops": amount}
    names = "ratio params flops rule round_to"
    return FieldOptions(Compression, names, panel=panel, parse=parse)


@field_options(
    start=FieldOptions(TrainArgs, "weights data", panel=_WHAT, required="weights data"),
    budget=budget_options(_WHAT),
    pruning=FieldOptions(
        Pruning, "lambda_ prox_epochs samples stop_density", base=PUBLISHED_PRUNING, panel=_PRUNE
    ),
    prune_run=FieldOptions(
        TrainArgs,
        "lr epochs",
        base=PUBLISHED,
        declared={"lr": "--prune-lr", "epochs": "--prune-epochs"},
        panel=_PRUNE,
    ),
    retraining=FieldOptions(TrainArgs, "steps", panel=_TRAIN, optional=True),
    distilling=FieldOptions(
        Compression,
        "distill_output distill_maps",
        declared={"distill_output": "--distill"},
        panel=_TRAIN,
    ),
    report=FieldOptions(Compression, "datasets", declared={"datasets": "--dataset"}, panel=_RUN),
    place=FieldOptions(TrainArgs, "run out", base=TrainArgs(run="compress"), panel=_RUN),
)
def compress(
    start: Values,
    budget: Values,
    pruning: Values,
    prune_run: Values,
    retraining: Values,
    distilling: Values,
    report: Values,
    place: Values,
    preset: PresetOption = None,
    setting: Setting = None,
    quiet: Quiet = False,
) -> None:
    """Compress a network: prune, read densities, derive, retrain, compare.

    The same command again continues an interrupted run. The run's folder gets small.safetensors,
    report.md and report.json.

    Example: cdfi compress --weights default --data clips=videos --ratio 2 --set crop=128
    """
    check_model(start["weights"])
    from cdfi.design import pipeline
    from cdfi.design.comparison import as_markdown
    from cdfi.weights import load

    recipe = PRESETS[preset or ("flow" if load(start["weights"]).takes_time else "bundled")]
    retrain = changed(recipe, {"data": start["data"], **place, **retraining}, setting or [])
    shared = {name: getattr(retrain, name) for name in _SHARED}
    prune = changed(PUBLISHED, {"weights": start["weights"], **prune_run, **shared})
    options = Compression(**budget, **distilling, **report)
    with Bar(quiet) as bar:
        entries = pipeline.compress(options, Pruning(**pruning), prune, retrain, bar)
    stdout.out(as_markdown(entries, options.size).rstrip("\n"))
    folder = Path(retrain.out) / retrain.run
    stdout.print(f"the compact network: {folder / 'small.safetensors'}")

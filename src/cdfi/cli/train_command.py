"""``cdfi train``: train a network."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from cdfi.cli.console import Bar, stdout
from cdfi.cli.early_checks import check_model
from cdfi.cli.field_options import FieldOptions, Values, field_docs, field_options
from cdfi.common.exit_status import INTERRUPTED
from cdfi.training.args import TrainArgs, changed, read_args
from cdfi.training.callback import Outcome
from cdfi.training.presets import PRESETS, Preset

_WHAT, _HOW, _RUN = "What is trained, on what", "How", "The run"

PresetOption = Annotated[Preset, Option(help="Recipe.", rich_help_panel=_HOW)]
Setting = Annotated[
    list[str] | None,
    Option(
        "--set",
        metavar="NAME=VALUE",
        help="Any other argument, repeatable; --set help lists all of them.",
        rich_help_panel=_HOW,
    ),
]
ArgsFile = Annotated[
    Path | None,
    Option(help="Read the arguments from this args.json, not a preset.", rich_help_panel=_RUN),
]
Resume = Annotated[
    Path | None,
    Option(
        help="Continue this run (its folder or checkpoint) exactly. Its own arguments apply, "
        "except those given here.",
        rich_help_panel=_RUN,
    ),
]
DownloadVgg = Annotated[
    bool,
    Option(
        "--download-vgg",
        help="Download VGG16 (528 MB) if it is not in the cache.",
        rich_help_panel=_RUN,
    ),
]
Plot = Annotated[
    Path | None,
    Option(
        help="Draw loss, validation and learning rate to this file at the end; with --resume, also "
        "those of a finished run.",
        rich_help_panel=_RUN,
    ),
]
Quiet = Annotated[bool, Option("--quiet", help="Show no progress.", rich_help_panel=_RUN)]


@field_options(
    what=FieldOptions(TrainArgs, "data any_instant network weights", panel=_WHAT, optional=True),
    how=FieldOptions(
        TrainArgs,
        "loss steps epochs batch crop optimizer lr precision",
        panel=_HOW,
        optional=True,
    ),
    record=FieldOptions(
        TrainArgs, "run out max_minutes skip_nan workers device", panel=_RUN, optional=True
    ),
)
def train(
    what: Values,
    how: Values,
    record: Values,
    preset: PresetOption = "paper",
    setting: Setting = None,
    args: ArgsFile = None,
    resume: Resume = None,
    download_vgg: DownloadVgg = False,
    plot: Plot = None,
    quiet: Quiet = False,
) -> None:
    """Train a network on videos, photos or triplets.

    By default as published. The run's folder gets its arguments, CSV tables,
    sample images, TensorBoard events, checkpoint.pt (to resume),
    last.safetensors and best.safetensors (the best in validation).

    Example: cdfi train --preset bundled --data synthetic=photos
    --data clips=videos --run first
    """
    if setting and "help" in setting:
        print_settings()
        return
    base = PRESETS[preset] if args is None else read_args(args)
    if resume is not None:
        base = _args_of(resume)
    chosen = _chosen(base, {**what, **how, **record}, setting or [])
    if chosen.weights:
        check_model(chosen.weights)
    _train(chosen, resume, download_vgg, plot, quiet)


def _chosen(base: TrainArgs, given: Values, setting: list[str]) -> TrainArgs:
    """Return the arguments of the run; the network of a preset yields to that of given weights."""
    if given.get("weights") and not changed(base, given, setting).overlap:
        base = replace(base, network="")
    return changed(base, given, setting)


def print_settings() -> None:
    """Print every argument of a run with its default and its help."""
    defaults = TrainArgs()
    for name, text in field_docs(TrainArgs).items():
        stdout.print(f"{name} = {getattr(defaults, name)!r}\n    {text}")


def _args_of(resume: Path) -> TrainArgs:
    """Return the arguments of a run to resume, in the folder where it is now."""
    from cdfi.training.checkpoint import NAME, read_checkpoint_args, run_folder

    args = read_checkpoint_args(resume)
    if not (resume.is_dir() or resume.name == NAME):
        return args
    folder = run_folder(resume).resolve()  # it may have been moved
    return replace(args, out=str(folder.parent), run=folder.name)


def _train(
    args: TrainArgs, resume: Path | None, download_vgg: bool, plot: Path | None, quiet: bool
) -> None:
    """Train with a progress bar, and print how the run ended."""
    from cdfi.common.plot_files import check_plot_file
    from cdfi.training.curves import plot_curves
    from cdfi.training.loop import train as run_training
    from cdfi.training.losses.vgg import download

    if plot is not None:
        check_plot_file(plot)
    if download_vgg:
        download()
    with Bar(quiet) as bar:
        outcome = run_training(args, resume, bar)
    if outcome.leads:
        _print_outcome(outcome)
        if plot is not None:
            plot_curves(outcome.folder, plot)
            stdout.print(f"curves: {plot}")
    if outcome.reason == "interrupted":
        raise typer.Exit(INTERRUPTED)


def _print_outcome(outcome: Outcome) -> None:
    score = f", best {outcome.best:.3f} dB in validation" if outcome.best > 0 else ""
    stdout.print(f"{outcome.reason} at step {outcome.step}{score}: {outcome.folder}")
    if outcome.reason != "finished":
        stdout.print(f"continue with: cdfi train --resume {outcome.folder}")

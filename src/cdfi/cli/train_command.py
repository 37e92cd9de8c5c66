"""``cdfi train``: options to a run, and what is shown while it runs."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from cdfi.cli.console import INTERRUPTED, Bar, stdout
from cdfi.training.callback import Outcome

if TYPE_CHECKING:  # PyTorch takes seconds to import, which `cdfi --help` must not wait for
    from cdfi.training.args import TrainArgs

_WHAT, _HOW, _RUN = "What is trained, on what", "How", "The run"


def train(
    data: Annotated[
        list[str] | None,
        Option(
            help="KIND=FOLDER or KIND=FOLDER:WEIGHT, repeatable. Kinds: clips (videos), synthetic "
            "(still photos), vimeo (Vimeo-90K), triplets (folders of three images).",
            rich_help_panel=_WHAT,
        ),
    ] = None,
    network: Annotated[
        str | None,
        Option(help="A network's name, or a Config in a .json file.", rich_help_panel=_WHAT),
    ] = None,
    weights: Annotated[
        str | None,
        Option(help="Start from these weights (a name or a file).", rich_help_panel=_WHAT),
    ] = None,
    preset: Annotated[
        str,
        Option(help="Recipe: paper, bundled or fine-tune.", rich_help_panel=_HOW),
    ] = "paper",
    loss: Annotated[
        str | None,
        Option(
            help="WEIGHT*NAME+... of Charb, L1, MSE, PSNR, Lap, Census, LPIPS, VGG, g_Spatial, "
            "g_Occlusion.",
            rich_help_panel=_HOW,
        ),
    ] = None,
    steps: Annotated[int | None, Option(help="Steps of the run.", rich_help_panel=_HOW)] = None,
    epochs: Annotated[
        int | None,
        Option(help="Passes over the data, where steps is 0.", rich_help_panel=_HOW),
    ] = None,
    batch: Annotated[
        int | None, Option(help="Samples a step and process.", rich_help_panel=_HOW)
    ] = None,
    crop: Annotated[
        int | None, Option(help="Side of crops; 0: whole frames.", rich_help_panel=_HOW)
    ] = None,
    optimizer: Annotated[
        str | None,
        Option(help="SGD, ADAM, RMSprop, ADAMax, AdamW, Muon or OBProxSG.", rich_help_panel=_HOW),
    ] = None,
    lr: Annotated[float | None, Option(help="Learning rate.", rich_help_panel=_HOW)] = None,
    precision: Annotated[
        str | None, Option(help="auto, float32 or bf16.", rich_help_panel=_HOW)
    ] = None,
    setting: Annotated[
        list[str] | None,
        Option(
            "--set",
            metavar="NAME=VALUE",
            help="Any other choice, repeatable: --set help lists them all.",
            rich_help_panel=_HOW,
        ),
    ] = None,
    run: Annotated[
        str | None, Option(help="Name of the run and its folder.", rich_help_panel=_RUN)
    ] = None,
    out: Annotated[str | None, Option(help="Folder of all runs.", rich_help_panel=_RUN)] = None,
    args: Annotated[
        Path | None,
        Option(help="Take the choices from this args.json, not a preset.", rich_help_panel=_RUN),
    ] = None,
    resume: Annotated[
        Path | None,
        Option(
            help="Continue this run (its folder or checkpoint) exactly, with its own choices but "
            "for those given.",
            rich_help_panel=_RUN,
        ),
    ] = None,
    max_minutes: Annotated[
        float | None,
        Option(help="End this sitting cleanly after so long.", rich_help_panel=_RUN),
    ] = None,
    skip_nan: Annotated[
        bool | None,
        Option("--skip-nan", help="Leave out steps that are not finite.", rich_help_panel=_RUN),
    ] = None,
    workers: Annotated[
        int | None, Option(help="Processes that prepare data.", rich_help_panel=_RUN)
    ] = None,
    device: Annotated[
        str | None, Option(help="auto, cpu, cuda or mps.", rich_help_panel=_RUN)
    ] = None,
    download_vgg: Annotated[
        bool,
        Option("--download-vgg", help="Fetch VGG16 (528 MB) if absent.", rich_help_panel=_RUN),
    ] = False,
    quiet: Annotated[bool, Option("--quiet", help="No progress.", rich_help_panel=_RUN)] = False,
) -> None:
    """Train a network on videos, photos or triplets.

    As published unless told otherwise. The run's folder gets its arguments,
    CSV tables, sample images, TensorBoard events, checkpoint.pt (to resume),
    last.safetensors and best.safetensors (the best on held-out shots).

    Example: cdfi train --preset bundled --data synthetic=photos
    --data clips=videos --run first
    """
    from cdfi.common.choices import unknown_name
    from cdfi.training.args import TrainArgs, changed
    from cdfi.training.checkpoint import NAME, read, run_folder
    from cdfi.training.presets import PRESETS

    if setting and "help" in setting:
        stdout.print(TrainArgs.__doc__)
        return
    if preset not in PRESETS:
        raise unknown_name("preset", preset, PRESETS)
    base = PRESETS[preset]
    if args is not None:
        base = TrainArgs.from_json(args.read_text(encoding="utf-8"))
    if resume is not None:
        base = TrainArgs.from_json(read(resume)["args"])
        if resume.is_dir() or resume.name == NAME:  # where it is: it may have been moved since
            place = run_folder(resume).resolve()
            base = replace(base, out=str(place.parent), run=place.name)
    options = {
        "data": tuple(data) if data else None,
        "network": network,
        "weights": weights,
        "loss": loss,
        "steps": steps,
        "epochs": epochs,
        "batch": batch,
        "crop": crop,
        "optimizer": optimizer,
        "lr": lr,
        "precision": precision,
        "run": run,
        "out": out,
        "max_minutes": max_minutes,
        "skip_nan": skip_nan,
        "workers": workers,
        "device": device,
    }
    chosen = {name: value for name, value in options.items() if value is not None}
    _train(changed(base, chosen, setting or []), resume, download_vgg, quiet)


def _train(args: "TrainArgs", resume: Path | None, download_vgg: bool, quiet: bool) -> None:
    """Run it with a progress bar, and say how it ended."""
    from cdfi.training.loop import train as run_training
    from cdfi.training.losses.vgg import download

    if download_vgg:
        download()
    with Bar(quiet) as callback:
        outcome = run_training(args, resume, callback)
    if outcome.leads:
        _say(outcome)
    if outcome.reason == "interrupted":
        raise typer.Exit(INTERRUPTED)


def _say(outcome: Outcome) -> None:
    score = f", best {outcome.best:.3f} dB on held-out shots" if outcome.best > 0 else ""
    stdout.print(f"{outcome.reason} at step {outcome.step}{score}: {outcome.folder}")
    if outcome.reason != "finished":
        stdout.print(f"continue with: cdfi train --resume {outcome.folder}")

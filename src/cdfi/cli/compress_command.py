"""``cdfi compress``: prune, derive, retrain and compare, in one command."""

from pathlib import Path
from typing import Annotated

from typer import Option

from cdfi.cli.console import Bar, stdout

_WHAT, _PRUNE, _TRAIN, _RUN = "What, how small", "Pruning", "Retraining", "The run"


def compress(
    weights: Annotated[
        str, Option(help="Trained weights: a name or a file.", rich_help_panel=_WHAT)
    ],
    data: Annotated[
        list[str],
        Option(help="KIND=FOLDER or KIND=FOLDER:WEIGHT, repeatable.", rich_help_panel=_WHAT),
    ],
    ratio: Annotated[
        float, Option(help="So many times fewer parameters.", rich_help_panel=_WHAT)
    ] = 0.0,
    params: Annotated[
        str | None, Option(help="At most so many parameters: 2.45M.", rich_help_panel=_WHAT)
    ] = None,
    flops: Annotated[
        str | None,
        Option(help="At most so many operations for a 720p frame.", rich_help_panel=_WHAT),
    ] = None,
    rule: Annotated[str, Option(help="min, max or mean.", rich_help_panel=_WHAT)] = "min",
    round_to: Annotated[
        int, Option(help="Round widths up to a multiple.", rich_help_panel=_WHAT)
    ] = 1,
    lambda_: Annotated[
        float, Option("--lambda", help="Weight of the l1 penalty.", rich_help_panel=_PRUNE)
    ] = 1e-4,
    prune_lr: Annotated[float, Option(help="Learning rate.", rich_help_panel=_PRUNE)] = 1e-2,
    prox_epochs: Annotated[
        float, Option(help="Epochs before the orthant steps.", rich_help_panel=_PRUNE)
    ] = 10,
    samples: Annotated[
        int, Option(help="Prune on so many samples; 0: all.", rich_help_panel=_PRUNE)
    ] = 1000,
    prune_epochs: Annotated[
        int, Option(help="Stop after so many epochs.", rich_help_panel=_PRUNE)
    ] = 30,
    stop_density: Annotated[
        float, Option(help="Stop at this density; 0: not.", rich_help_panel=_PRUNE)
    ] = 0.0,
    preset: Annotated[
        str, Option(help="Recipe of cdfi train.", rich_help_panel=_TRAIN)
    ] = "bundled",
    steps: Annotated[int | None, Option(help="Steps to retrain.", rich_help_panel=_TRAIN)] = None,
    distill: Annotated[
        float,
        Option(help="Weight of the loss to the original's output.", rich_help_panel=_TRAIN),
    ] = 0.0,
    distill_maps: Annotated[
        float,
        Option(help="Weight of the loss to its maps.", rich_help_panel=_TRAIN),
    ] = 0.0,
    setting: Annotated[
        list[str] | None,
        Option("--set", metavar="NAME=VALUE", help="Any other choice of cdfi train, repeatable."),
    ] = None,
    dataset: Annotated[
        list[str] | None, Option(help="Score this set too, repeatable.", rich_help_panel=_RUN)
    ] = None,
    run: Annotated[
        str, Option(help="Name of the run and its folder.", rich_help_panel=_RUN)
    ] = "compress",
    out: Annotated[str, Option(help="Where runs are kept.", rich_help_panel=_RUN)] = "runs",
    quiet: Annotated[bool, Option("--quiet", help="No progress.", rich_help_panel=_RUN)] = False,
) -> None:
    """Compress a network: prune, read densities, derive, retrain, compare.

    The same command again continues where it stopped. The run's folder gets small.safetensors,
    report.md and report.json.

    Example: cdfi compress --weights default --data clips=videos --ratio 2 --set crop=128
    """
    from cdfi.common.choices import unknown_name
    from cdfi.common.sizes import amount
    from cdfi.design.comparison import as_markdown
    from cdfi.design.pipeline import Compression
    from cdfi.design.pipeline import compress as run_compression
    from cdfi.design.prune import PUBLISHED, Pruning
    from cdfi.training.args import changed
    from cdfi.training.presets import PRESETS

    if preset not in PRESETS:
        raise unknown_name("preset", preset, PRESETS)
    place = {"data": tuple(data), "out": out, "run": run, **({"steps": steps} if steps else {})}
    retrain = changed(PRESETS[preset], place, setting or [])
    shared = ("data", "crop", "batch", "cache", "workers", "device")
    prune = changed(
        PUBLISHED,
        {
            "weights": weights,
            "lr": prune_lr,
            "epochs": prune_epochs,
            **{name: getattr(retrain, name) for name in shared},
        },
    )
    options = Compression(
        times=ratio,
        parameters=amount(params) if params else 0,
        flops=amount(flops) if flops else 0,
        rule=rule,
        round_to=round_to,
        distill_output=distill,
        distill_maps=distill_maps,
        datasets=tuple(dataset or ()),
    )
    how = Pruning(lambda_, prox_epochs, target=stop_density, samples=samples)
    with Bar(quiet) as bar:
        entries = run_compression(options, how, prune, retrain, bar)
    stdout.out(as_markdown(entries, options.size).rstrip("\n"))
    stdout.print(f"the compact network: {Path(out) / run / 'small.safetensors'}")

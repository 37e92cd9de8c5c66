"""``cdfi benchmark``: parameters, operations, time and peak memory of models."""

import json
from typing import TYPE_CHECKING, Annotated, get_args

from typer import Argument, Option

from cdfi.cli.console import progress, show, stdout
from cdfi.cli.early_checks import check_device, check_model
from cdfi.cli.network_options import DeviceOption, PrecisionName
from cdfi.common.choices import unknown_name
from cdfi.common.sizes import frame_size

if TYPE_CHECKING:
    from cdfi.evaluation.cost import Cost

MOST_PIXELS = 32_768  # a side; such a frame has four gigabytes in fp16 already

Models = Annotated[list[str] | None, Argument(help="Names or files of models.")]
Sizes = Annotated[str, Option(help="WIDTHxHEIGHT, several separated by commas.")]
Precisions = Annotated[str, Option(help="auto, fp32, bf16, fp16; several separated by commas.")]
Runs = Annotated[int, Option(help="Timed runs; the median is reported.", min=1, max=10_000)]
WarmUp = Annotated[int, Option(help="Runs before the timed ones.", min=0, max=10_000)]
Compile = Annotated[bool, Option("--compile", help="Run the network through torch.compile.")]
Json = Annotated[bool, Option("--json", help="Print JSON instead.")]
Quiet = Annotated[bool, Option("--quiet", help="Show no progress.")]


def benchmark(
    models: Models = None,
    sizes: Sizes = "640x480,1280x720",
    precisions: Precisions = "auto",
    device: DeviceOption = None,
    runs: Runs = 5,
    warm_up: WarmUp = 2,
    compile: Compile = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Measure the cost of one frame, each size and precision in a process of its own.

    Example: cdfi benchmark flow aligned-adacof --sizes 1280x720 --runs 3
    """
    check_model(*(models or ()))
    check_device(device)
    from cdfi.common.devices import choose_device
    from cdfi.common.machine import describe_machine, versions
    from cdfi.evaluation.cost import CostTask, measure

    chosen = choose_device(device)
    tasks = [
        CostTask(model, *size, precision, str(chosen), runs, warm_up, compile)
        for model in models or ["default"]
        for size in map(_size, sizes.split(","))
        for precision in map(_precision, precisions.split(","))
    ]
    costs: list[Cost] = []
    with progress(quiet) as bar:
        row = bar.add_task("measuring", total=len(tasks), note="")
        for task in tasks:
            costs.append(measure(task))
            bar.advance(row)
    if as_json:
        report = {"machine": describe_machine(chosen), "versions": versions()}
        stdout.print_json(json.dumps({**report, "costs": [cost.as_dict() for cost in costs]}))
    else:
        _show(costs, describe_machine(chosen))


def _show(costs: "list[Cost]", machine: str) -> None:
    from rich.table import Table

    table = Table("Model", "Size", "Precision", caption=machine)
    for title in ("Parameters", "GFLOP", "Time", "Peak memory"):
        table.add_column(title, justify="right")
    for cost in costs:
        memory = "" if cost.peak_bytes is None else f"{cost.peak_bytes / 1e9:.2f} GB"
        table.add_row(
            cost.model,
            f"{cost.width} x {cost.height}",
            cost.precision,
            f"{cost.parameters / 1e6:.2f} M",
            f"{cost.flops / 1e9:.1f}",
            f"{1000 * cost.seconds:.0f} ms",
            memory,
        )
    show(table)


def _precision(text: str) -> str:
    """Return one of the names in ``--precisions``."""
    name = text.strip()
    if name not in get_args(PrecisionName):
        raise unknown_name("precision", name, get_args(PrecisionName))
    return name


def _size(text: str) -> tuple[int, int]:
    """Return width and height of one of ``--sizes``."""
    try:
        height, width = frame_size(text)
    except ValueError as error:
        raise ValueError(f"--sizes: {error}") from error
    if max(width, height) > MOST_PIXELS:
        raise ValueError(f"--sizes: at most {MOST_PIXELS} pixels a side, got {text.strip()}")
    return width, height

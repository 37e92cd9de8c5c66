"""``cdfi density``: the density of every layer of a pruned network."""

from pathlib import Path
from typing import Annotated

import typer

from cdfi.cli.console import stdout
from cdfi.cli.early_checks import check_model


def density(
    model: Annotated[str, typer.Argument(help="Weights: a name, our file or a released .pth.")],
    json: Annotated[bool, typer.Option("--json", help="Print JSON, which derive reads.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print comma-separated values.")] = False,
    plot: Annotated[
        Path | None, typer.Option(help="Draw a bar for every layer to this file.")
    ] = None,
) -> None:
    """Show each layer's density, and the widths In' and Out' that follow from it.

    Density is the fraction of non-zero weights; In' and Out' are In and Out times its square root.

    Example: cdfi density runs/prune/pruned.safetensors --plot densities.png
    """
    check_model(model)
    from cdfi import weights
    from cdfi.compression import tables
    from cdfi.compression.density import density as read

    rows = read(weights.load(model))
    if plot:
        tables.plot(rows, plot)
    write = tables.as_json if json else tables.as_csv if csv else tables.as_table
    stdout.out(write(rows).rstrip("\n"))

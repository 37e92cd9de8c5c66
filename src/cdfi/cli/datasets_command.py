"""``cdfi datasets``: list the data sets, and download them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from cdfi.cli.console import progress, progress_row, show, stdout

app = typer.Typer(no_args_is_help=True, help="List and download the data sets of cdfi evaluate.")

Data = Annotated[
    Path | None, typer.Option(help="Folder of the data sets. By default CDFI_DATA, or the cache.")
]


@app.command("list")
def list_datasets(
    data: Data = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
) -> None:
    """List the data sets that have a name, and how much of each is here.

    Example: cdfi datasets list
    """
    from rich.table import Table

    from cdfi.evaluation.data.datasets import data_folder, present

    rows = [
        {"name": row.name, "triplets": row.size, "here": count, "folder": str(row.folder)}
        for row, count in present(data_folder(data))
    ]
    if as_json:
        stdout.print_json(json.dumps(rows))
        return
    table = Table("Name", "Triplets", "Here", "Folder")
    for row in rows:
        table.add_row(*map(str, row.values()))
    show(table)


@app.command()
def download(
    names: Annotated[list[str], typer.Argument(help="middlebury, ucf101-dvf, vimeo-90k.")],
    data: Data = None,
    mirror: Annotated[
        str | None, typer.Option(help="Another URL of the data set; only with a single name.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
) -> None:
    """Download data sets from their authors; downloads are resumed and checked.

    Example: cdfi datasets download middlebury
    """
    from cdfi.evaluation.data.datasets import DATASETS, data_folder
    from cdfi.evaluation.data.remote import SOURCES

    for name in names:
        if name not in SOURCES:
            other = f": {DATASETS[name].source}" if name in DATASETS else ""
            raise ValueError(
                f"{name} cannot be downloaded by cdfi, only {', '.join(SOURCES)} can{other}"
            )
    if mirror and len(names) != 1:
        raise ValueError("--mirror is the URL of one data set, but several are named")
    with progress(quiet) as bar:
        for name in names:
            source = replace(SOURCES[name], url=mirror) if mirror else SOURCES[name]
            folder = source.download(data_folder(data), progress_row(bar, name))
            stdout.print(f"{name}: {folder}")

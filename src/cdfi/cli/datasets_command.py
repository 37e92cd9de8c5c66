"""``cdfi datasets``: which data sets there are, which are here, and how to get the others."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from cdfi.cli.console import progress, show, stdout

app = typer.Typer(no_args_is_help=True, help="List and download the data sets of cdfi evaluate.")

Data = Annotated[
    Path | None, typer.Option(help="Where data sets are. By default CDFI_DATA, or the cache.")
]


@app.command("list")
def list_datasets(
    data: Data = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
) -> None:
    """Every data set that has a name, and how much of it is here."""
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
        str | None, typer.Option(help="Another address of the one data set that is named.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
) -> None:
    """Fetch data sets from their authors; what broke off is resumed, what arrives is checked."""
    from cdfi.evaluation.data.datasets import DATASETS, data_folder
    from cdfi.evaluation.data.remote import SOURCES

    for name in names:
        if name not in SOURCES:
            other = f": {DATASETS[name].source}" if name in DATASETS else ""
            raise ValueError(
                f"{name} cannot be downloaded by cdfi, only {', '.join(SOURCES)} can{other}"
            )
    if mirror and len(names) != 1:
        raise ValueError("--mirror is the address of one data set, but several are named")
    with progress(quiet) as bar:
        for name in names:
            source = replace(SOURCES[name], url=mirror) if mirror else SOURCES[name]
            task = bar.add_task(name, total=None, note="")
            folder = source.download(
                data_folder(data),
                lambda done, total, task=task: bar.update(  # type: ignore[misc]
                    task, completed=done, total=total
                ),
            )
            stdout.print(f"{name}: {folder}")

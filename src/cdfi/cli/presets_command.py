"""``cdfi presets``: the named sets of options of ``cdfi interpolate``."""

import json
from itertools import chain
from pathlib import Path
from typing import Annotated

from typer import Option

from cdfi.cli.console import show, stdout
from cdfi.cli.option_presets import PROJECT, find_presets, user_file

PresetFile = Annotated[Path | None, Option(help="Another TOML file with sets of options.")]
Json = Annotated[bool, Option("--json", help="Print JSON instead.")]


def presets(preset_file: PresetFile = None, as_json: Json = False) -> None:
    """List the named sets of options that cdfi interpolate --preset takes.

    Example: cdfi presets --preset-file studio.toml
    """
    sets = find_presets(preset_file)
    if as_json:
        rows = {
            name: {"description": one.description, "options": one.options, "file": str(one.path)}
            for name, one in sets.items()
        }
        stdout.print_json(json.dumps(rows))
        return
    from rich.table import Table

    table = Table("Name", "Description", "Options")
    for name, one in sets.items():
        table.add_row(name, one.description, " ".join(chain(*one.words().values())))
    show(table)
    stdout.print(f"Your own: {user_file()}, or {PROJECT} in the current folder.")

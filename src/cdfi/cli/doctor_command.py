"""``cdfi doctor``: check what this machine can do."""

import json
from typing import Annotated

import typer
from typer import Option

from cdfi.cli.console import show, stdout
from cdfi.common.exit_status import FAILED

Json = Annotated[bool, Option("--json", help="Print JSON instead.")]


def doctor(as_json: Json = False) -> None:
    """Check codecs, devices, folders and one frame; the exit status is 1 if something fails.

    Example: cdfi doctor
    """
    from cdfi.video.doctor import run_checks

    checks = list(run_checks())
    if as_json:
        stdout.print_json(json.dumps([check._asdict() for check in checks]))
    else:
        from rich.table import Table

        table = Table("Check", "State", "Found")
        for check in checks:
            remedy = f"; {check.remedy}" if check.remedy else ""
            table.add_row(check.name, check.state, f"{check.text}{remedy}")
        show(table)
    if any(check.state == "fail" for check in checks):
        raise typer.Exit(FAILED)

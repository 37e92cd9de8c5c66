"""cdfi info: what a model file holds, and the environment for a report of a problem."""

import json
from typing import Annotated

import typer

from cdfi.cli.console import stdout


def info(
    model: Annotated[str | None, typer.Argument(help="A name or a file.")] = None,
    environment: Annotated[
        bool,
        typer.Option("--environment", help="Show versions, devices, codecs and the cache folder."),
    ] = False,
) -> None:
    """Show the architecture, notes and size of a model, or the environment, as JSON.

    Example: cdfi info --environment
    """
    if (model is None) != environment:
        raise ValueError("expected either a model or --environment")
    if environment:
        from cdfi.video.diagnostics import environment as read_environment

        stdout.print_json(json.dumps(read_environment()))
        return
    from cdfi.cli.models_command import info as show_model

    assert model is not None
    show_model(model)

"""``cdfi man``: the manual page of all commands, in roff."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

from cdfi.cli.console import stdout

FILES = {
    "cdfi-presets.toml": "named sets of options of the project, in the current folder",
    "~/.config/cdfi/presets.toml": "the same of the user; cdfi presets shows the path here",
}
VARIABLES = {
    "CDFI_CACHE": "folder of downloads and decoded training data",
    "CDFI_DATA": "folder of the data sets of cdfi evaluate",
}


def man() -> None:
    """Print the manual page of all commands.

    Example: cdfi man
    """
    import typer

    from cdfi.cli.application import build

    stdout.out("\n".join(_page(typer.main.get_command(build()))))


def _page(program: Any) -> Iterator[str]:
    """Yield the lines of the page."""
    yield f'.TH CDFI 1 "" "cdfi {version("cdfi")}" "User Commands"'
    yield from (".SH NAME", "cdfi \\- video frame interpolation with small networks")
    yield from (".SH SYNOPSIS", ".B cdfi", "COMMAND [OPTIONS] [ARGUMENTS]")
    yield from (".SH DESCRIPTION", _text(program.help), ".SH COMMANDS")
    for name, command in _commands(program, ""):
        yield f".SS cdfi {_text(name)}"
        for paragraph in (command.help or "").split("\n\n"):
            yield from (".PP", _text(" ".join(paragraph.split())))
        for parameter in command.params:
            yield from _parameter(parameter)
    yield ".SH EXIT STATUS"
    yield "0 on success, 1 after an error, 2 after wrong use, 130 after Ctrl-C."
    for title, rows in (("FILES", FILES), ("ENVIRONMENT", VARIABLES)):
        yield f".SH {title}"
        for name, text in rows.items():
            yield from (".TP", f".B {_text(name)}", _text(text))


def _commands(group: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """Yield the name and the command of every command, those of groups too."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", command


def _parameter(parameter: Any) -> Iterator[str]:
    """Yield the lines of an option or an argument; none for --help."""
    if parameter.name == "help":
        return
    names = [*parameter.opts, *parameter.secondary_opts]
    is_option = names[0].startswith("-")
    yield from (".TP", ".B " + _text(", ".join(names if is_option else [names[0].upper()])))
    yield _text(re.sub(r"\\\[", "[", parameter.help or ""))


def _text(text: str | None) -> str:
    """Return text for roff: minus signs, backslashes and leading dots are escaped."""
    escaped = (text or "").replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped

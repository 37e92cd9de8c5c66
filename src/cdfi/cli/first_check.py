"""Check options and names of a command line before its values are converted.

Typer converts values by a library that takes as long to import as everything before it. A wrong
option, file, model, device or codec is found here, from the words alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

#: Parameters of commands that name models.
MODELS = ("model", "models", "weights_")


def check_words(app: typer.Typer, words: Sequence[str]) -> None:
    """Check the words of a command line, as far as that is possible without PyTorch.

    Args:
        app: with the command that the words name.
        words: the command line.

    Raises:
        UsageError: the command has no such option.
        OSError, ValueError: there is no such file, model, device or codec.
    """
    group: Any = typer.main.get_command(app)
    context = group.context_class(group, info_name="cdfi")
    rest = list(words)
    while hasattr(group, "commands"):
        name = next((word for word in rest if not word.startswith("-")), None)
        if name is None or name not in group.commands:
            return  # the parser reports it
        rest = rest[rest.index(name) + 1 :]
        group = group.commands[name]
        settings = group.context_settings
        context = group.context_class(group, info_name=name, parent=context, **settings)
    values, _, _ = group.make_parser(context).parse_args(rest)
    if not values.get("help"):
        _check_values(values)


def _check_values(values: dict[str, Any]) -> None:
    """Raise ValueError or OSError for a file, model, device or codec that does not exist."""
    from cdfi.cli import early_checks

    if inputs := values.get("inputs"):
        from cdfi.cli.inputs import find_inputs

        find_inputs([Path(word) for word in inputs])
    for key in MODELS:
        named = values.get(key) or ()
        early_checks.check_model(*([named] if isinstance(named, str) else named))
    model = values.get("model")
    early_checks.check_network(
        model if isinstance(model, str) else "default",
        values.get("device"),
        values.get("backend"),
    )
    early_checks.check_codec(values.get("codec_"))

"""The table of commands, and the application that is made of them."""

import functools
import os
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Annotated, Any

import typer

from cdfi.cli.console import print_error, stdout
from cdfi.common.exit_status import INTERRUPTED

#: Command -> module and name of its function, or of its group of functions.
COMMANDS = {
    "interpolate": "cdfi.cli.interpolate_command:interpolate",
    "presets": "cdfi.cli.presets_command:presets",
    "demo": "cdfi.cli.demo_command:demo",
    "doctor": "cdfi.cli.doctor_command:doctor",
    "work": "cdfi.cli.work_command:work",
    "slurm": "cdfi.cli.slurm_command:slurm",
    "status": "cdfi.cli.status_command:status",
    "warm-up": "cdfi.cli.warm_up_command:warm_up",
    "models": "cdfi.cli.models_command:app",
    "serve": "cdfi.cli.serve_command:serve",
    "export": "cdfi.cli.export_command:export",
    "info": "cdfi.cli.info_command:info",
    "train": "cdfi.cli.train_command:train",
    "evaluate": "cdfi.cli.evaluate_command:evaluate",
    "datasets": "cdfi.cli.datasets_command:app",
    "benchmark": "cdfi.cli.benchmark_command:benchmark",
    "density": "cdfi.cli.density_command:density",
    "derive": "cdfi.cli.derive_command:derive",
    "prune": "cdfi.cli.prune_command:prune",
    "compress": "cdfi.cli.compress_command:compress",
    "man": "cdfi.cli.man_command:man",
}
#: Commands that pass unknown options on to another one.
PASSING = ("slurm",)
PASSES_ON = {"ignore_unknown_options": True, "allow_extra_args": True}


def build(words: Sequence[str] = ()) -> typer.Typer:
    """Return the application for ``words``: one command if they name it, else all of them.

    Importing a command takes time, and if a library for one command is missing, the others work.
    """
    app = typer.Typer(
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        help="Video frame interpolation with small networks, and the method that makes them small.",
    )
    app.callback()(_options)
    first = command_word(words)
    for name in [first] if first in COMMANDS else COMMANDS:
        module, _, attribute = COMMANDS[name].partition(":")
        command = getattr(import_module(module), attribute)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            settings = PASSES_ON if name in PASSING else None
            app.command(name, context_settings=settings)(_interruptible(command))
    return app


def command_word(words: Sequence[str]) -> str | None:
    """Return the first word that is not an option; None if there is none."""
    return next((word for word in words if not word.startswith("-")), None)


def completed_words() -> list[str]:
    """Return the words of the line that a shell completes; an empty list outside completion."""
    if "_CDFI_COMPLETE" not in os.environ:
        return []
    line = os.environ.get("COMP_WORDS") or os.environ.get("_TYPER_COMPLETE_ARGS", "")
    return line.split()[1:]


def _interruptible(command: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``command`` with exit status 130 on Ctrl-C, in every version of Typer."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except KeyboardInterrupt:
            print_error("cdfi: interrupted")
            raise SystemExit(INTERRUPTED) from None
        except InterruptedError as stopped:  # cleanly, with something to continue from
            print_error(f"cdfi: {stopped}")
            raise SystemExit(INTERRUPTED) from None

    return run


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        stdout.print(f"cdfi {version('cdfi')}")
        raise typer.Exit


def _options(
    show_version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
    debug: Annotated[bool, typer.Option(help="Show the traceback of an error.")] = False,
) -> None:
    """Declare the options of every command; ``main`` removes ``--debug`` before parsing."""

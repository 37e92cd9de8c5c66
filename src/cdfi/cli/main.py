"""The entry point: the table of commands, and the handler that prints each error as one line."""

import functools
import sys
import traceback
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Annotated, Any

import typer

from cdfi.cli.console import INTERRUPTED, print_error, stdout
from cdfi.cli.option_presets import expand_presets
from cdfi.cli.usage import UsageError, describe_usage
from cdfi.common.choices import did_you_mean

#: Command -> module and name of its function, or of its group of functions.
COMMANDS = {
    "interpolate": "cdfi.cli.interpolate_command:interpolate",
    "presets": "cdfi.cli.presets_command:presets",
    "demo": "cdfi.cli.demo_command:demo",
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
}

FAILED = 1  # exit status after an error
WRONG_USE = 2  # exit status after a command line that cannot be understood


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit status.

    0 is success, 1 an error (one line on stderr), 2 wrong use (one line on stderr), 130 Ctrl-C.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    first = _command_word(words)
    if first is not None and first not in COMMANDS:
        hint = did_you_mean(first, COMMANDS)
        print_error(f"cdfi: No such command {first!r}{hint} (see cdfi --help)")
        return WRONG_USE
    try:
        if first == "interpolate":
            words = expand_presets(words)
        status = build(words)(words, prog_name="cdfi", standalone_mode=False)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else FAILED
    except UsageError as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            error.show()  # type: ignore[attr-defined]
        else:
            print_error(f"cdfi: {describe_usage(error, words)}")
        return WRONG_USE
    except Exception as error:
        if debug:
            traceback.print_exc()
        print_error(f"cdfi: {describe(error)}")
        return FAILED
    return status if isinstance(status, int) else 0


def build(words: Sequence[str] = ()) -> typer.Typer:
    """Return the application for ``words``: one command if they name it, else all of them.

    Importing a command takes time, and a library that one command lacks must not stop the others.
    """
    app = typer.Typer(
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
        help="Video frame interpolation with small networks, and the method that makes them small.",
    )
    app.callback()(_options)
    first = _command_word(words)
    for name in [first] if first in COMMANDS else COMMANDS:
        module, _, attribute = COMMANDS[name].partition(":")
        command = getattr(import_module(module), attribute)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(_interruptible(command))
    return app


def _command_word(words: Sequence[str]) -> str | None:
    """Return the first word that is not an option; None if there is none."""
    return next((word for word in words if not word.startswith("-")), None)


def describe(error: BaseException) -> str:
    """Return one line that describes an error, without a traceback."""
    known = isinstance(error, (ValueError, OSError, ImportError, MemoryError))
    if isinstance(error, OSError) and error.strerror and error.filename:
        text = f"{error.filename}: {error.strerror}"
    else:
        text = str(error) or type(error).__name__
    text = " ".join(text.split())
    if isinstance(error, MemoryError) or "out of memory" in text.lower():
        return f"out of memory: {text} (--memory limits what the network may use)"
    return text if known else f"unexpected {type(error).__name__}: {text} (--debug shows where)"


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


if __name__ == "__main__":
    sys.exit(main())

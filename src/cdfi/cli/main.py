"""The entry point, and the handler that prints each error as one line."""

import sys
import traceback
from collections.abc import Sequence

from cdfi.cli.application import COMMANDS, build, command_word, completed_words
from cdfi.cli.console import print_error
from cdfi.cli.first_check import check_words
from cdfi.cli.option_presets import expand_presets
from cdfi.cli.quick_exit import run_and_exit
from cdfi.cli.ray_address import fill_address
from cdfi.cli.usage import UsageError, describe_usage
from cdfi.common.choices import did_you_mean
from cdfi.common.exit_status import FAILED, WRONG_USE


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit status.

    0 is success, 1 an error (one line on stderr), 2 wrong use (one line on stderr), 130 Ctrl-C.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    first = command_word(words)
    if first is not None and first not in COMMANDS:
        hint = did_you_mean(first, COMMANDS)
        print_error(f"cdfi: No such command {first!r}{hint} (see cdfi --help)")
        return WRONG_USE
    try:
        words = fill_address(words)
        if first == "interpolate":
            words = expand_presets(words)
        app = build(completed_words() or words)
        check_words(app, words)
        status = app(words, prog_name="cdfi", standalone_mode=False)
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


def run() -> None:
    """Run the command line of this process, and end the process."""
    run_and_exit(main)


if __name__ == "__main__":
    run()

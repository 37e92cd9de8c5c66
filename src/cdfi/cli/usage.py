"""Usage errors as one line: the option, what was expected, and what was given."""

import re
from collections.abc import Sequence

import typer

#: The base class of Typer's usage errors, wherever the installed version defines it.
UsageError: type[Exception] = next(
    cls for cls in typer.BadParameter.__mro__ if cls.__name__ == "UsageError"
)

#: Pattern of a message of Typer or its libraries -> the message that is printed instead.
MESSAGES = {
    r"Input should be a valid integer.*": "expected a whole number",
    r"Input should be a valid number.*": "expected a number",
    r"Input should be a valid boolean.*": "expected true or false",
    r"Input should be greater than or equal to (\S+)": r"expected \1 or more",
    r"Input should be less than or equal to (\S+)": r"expected \1 or less",
    r"\S+ is not in the range x>=(\S+)": r"expected \1 or more",
    r"\S+ is not in the range x<=(\S+)": r"expected \1 or less",
    r"\S+ is not in the range (\S+)<=x<=(\S+)": r"expected \1 to \2",
    r"(?:Value error, )?'[^']*' is not one of (.*)": r"expected one of \1",
    r"'[^']*' is not a valid integer(?: range)?": "expected a whole number",
    r"'[^']*' is not a valid float(?: range)?": "expected a number",
}


def describe_usage(error: Exception, words: Sequence[str]) -> str:
    """Return one line for a usage error of the command line ``words``."""
    text = str(error.format_message())  # type: ignore[attr-defined]
    text = " ".join(text.split()).rstrip(".")
    found = re.fullmatch(r"Invalid value for '([^']*)': (.*)", text)
    if found:
        option = found[1].split(" / ")[0]
        expected = found[2]
        for pattern, plain in MESSAGES.items():
            expected = re.sub(f"^{pattern}$", plain, expected)
        given = _value(option, words)
        text = f"{option}: {expected}" + (f", got {given!r}" if given is not None else "")
    context = getattr(error, "ctx", None)
    return f"{text} (see {context.command_path if context else 'cdfi'} --help)"


def _value(option: str, words: Sequence[str]) -> str | None:
    """Return the value given for an option, or None if the message does not contain it."""
    for word, following in zip(words, [*words[1:], None]):
        if word == option:
            return following
        if word.startswith(f"{option}="):
            return word.partition("=")[2]
    return None

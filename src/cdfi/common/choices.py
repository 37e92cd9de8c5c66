"""Error messages about unknown names, with the known names that are close."""

import difflib
from collections.abc import Iterable

MOST_SHOWN = 3
CUTOFF = 0.5  # difflib's similarity, in [0, 1]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return "; did you mean A or B?" if known names are close to ``name``, else ""."""
    by_lower_case = {text.lower(): text for text in known}
    close = difflib.get_close_matches(name.lower(), list(by_lower_case), MOST_SHOWN, CUTOFF)
    return f"; did you mean {' or '.join(by_lower_case[text] for text in close)}?" if close else ""


def near_names(name: str, known: Iterable[str]) -> str:
    """Return the end of an error message about an unknown name: the close names, then all."""
    names = list(known)
    return f"{did_you_mean(name, names) or ';'} known are {', '.join(names)}"


def unknown_name(kind: str, name: str, known: Iterable[str]) -> ValueError:
    """Return the error for a name that is not in ``known``.

    Args:
        kind: what the name should be, for example "loss".
        name: as the user wrote it.
        known: every name that is accepted, in the order to list them.
    """
    return ValueError(f"unknown {kind} {name!r}{near_names(name, known)}")

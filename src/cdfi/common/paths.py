"""Find files in a folder, and sort numbered names."""

import re
from collections.abc import Collection
from pathlib import Path


def natural(path: Path) -> list[tuple[bool, int, str]]:
    """Return a sort key that puts ``2.png`` before ``10.png``."""
    parts = re.split(r"(\d+)", str(path).lower())
    return [(part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts]


def visible(folder: Path, suffixes: Collection[str]) -> list[Path]:
    """Return the files below ``folder`` with one of these suffixes, sorted.

    Hidden files and folders, whose names begin with a dot, are left out, such as the ``._a.jpg``
    that macOS writes for ``a.jpg`` on other file systems.

    Args:
        folder: searched with its subfolders.
        suffixes: in lower case, with the dot.
    """
    found = [path for path in folder.rglob("*") if path.suffix.lower() in suffixes]
    return sorted(
        path
        for path in found
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def visible_entries(folder: Path) -> list[Path]:
    """Return the files and folders in ``folder`` whose names do not begin with a dot."""
    return [path for path in folder.iterdir() if not path.name.startswith(".")]

"""Names of files: which of them people see, and in which order they number them."""

import re
from collections.abc import Collection
from pathlib import Path


def natural(path: Path) -> list[tuple[bool, int, str]]:
    """A key that puts ``2.png`` before ``10.png``."""
    parts = re.split(r"(\d+)", str(path).lower())
    return [(part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts]


def visible(folder: Path, suffixes: Collection[str]) -> list[Path]:
    """The files below ``folder`` with one of these endings, in a stable order.

    Left out are those whose name, or folder's name, begins with a dot, such as the ``._a.jpg`` that
    macOS puts beside ``a.jpg`` on other systems' disks.
    """
    found = [path for path in folder.rglob("*") if path.suffix.lower() in suffixes]
    shown = [
        path
        for path in found
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]
    return sorted(shown)

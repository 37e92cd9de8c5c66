"""The named sets of options that ship with the package; it does not import PyTorch."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SHIPPED = Path(__file__).with_name("presets.toml")
DESCRIPTION = "description"


def shipped_options() -> dict[str, dict[str, Any]]:
    """Return the options of each shipped set by its name, without the descriptions."""
    tables = tomllib.loads(SHIPPED.read_text(encoding="utf-8"))
    return {
        name: {option: value for option, value in table.items() if option != DESCRIPTION}
        for name, table in tables.items()
    }

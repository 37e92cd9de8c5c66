"""What a message proposes."""

import ast
import re


def remedy(error: Exception) -> tuple[str, ...]:
    """Return the layers that a message proposes to protect."""
    found = re.search(r"protected=(\([^)]*\))", str(error))
    assert found, error
    names: tuple[str, ...] = ast.literal_eval(found[1])
    return names

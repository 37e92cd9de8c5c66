"""How often a GIF is repeated."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, UnidentifiedImageError


def loop_option(source: Path) -> str:
    """Return libav's option for how often a GIF made from ``source`` is repeated.

    A GIF keeps its number of repetitions. Other sources are repeated endlessly.
    """
    try:
        with Image.open(source) as opened:
            if opened.format == "GIF":
                return str(opened.info.get("loop", -1))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        return "0"
    return "0"

"""Named sets of options: shipped, the user's, the project's, or from a file.

``--preset NAME`` is replaced by the options of the set before the command line is parsed, so that
options on the command line take precedence.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from cdfi.video.shipped_presets import DESCRIPTION, SHIPPED

#: In the current folder.
PROJECT = Path("cdfi-presets.toml")
#: Presets of encoders, which ``--preset`` sets as well: no set of options may have such a name.
_ENCODER_PRESETS = """
    ultrafast superfast veryfast faster fast medium slow slower veryslow placebo
    proxy lt standard hq 4444 4444xq lossless hp ll llhq llhp default bd
"""
ENCODER_PRESETS = frozenset(_ENCODER_PRESETS.split())
#: Alternatives: an option on the command line also replaces the other one in a set.
EXCLUSIVE = (("factor", "fps"), ("quality", "crf"), ("end", "duration"))


class OptionPreset(NamedTuple):
    """A named set of options.

    Attributes:
        name: for ``--preset``.
        description: one line.
        options: option without dashes -> value.
        path: the file that it is from.
    """

    name: str
    description: str
    options: dict[str, Any]
    path: Path

    def words(self) -> dict[str, list[str]]:
        """Return the words of the command line for each option.

        Raises:
            ValueError: a value is of a kind that no option has.
        """
        return {name: self._words(name, value) for name, value in self.options.items()}

    def _words(self, name: str, value: Any) -> list[str]:
        option = f"-{name}" if len(name) == 1 else f"--{name.replace('_', '-')}"
        if value is True:
            return [option]
        if value is False:
            return [f"--no-{option[2:]}"]
        if isinstance(value, list):
            return [word for one in value for word in self._words(name, one)]
        if not isinstance(value, (str, int, float)):
            raise ValueError(
                f"{self.path}: {self.name}.{name}: expected a text, a number, true or false"
            )
        return [option, str(value)]


def user_file() -> Path:
    """Return the path of the user's own sets."""
    from platformdirs import user_config_path

    return user_config_path("cdfi", appauthor=False) / "presets.toml"


def find_presets(extra: Path | None = None) -> dict[str, OptionPreset]:
    """Return all sets by name: of the file ``extra``, the project, the user, then the shipped ones.

    Raises:
        OSError: ``extra`` cannot be read.
        ValueError: a file is not TOML, or holds something else than sets of options.
    """
    files = [SHIPPED, *(path for path in (user_file(), PROJECT) if path.is_file())]
    found: dict[str, OptionPreset] = {}
    for path in [*files, *([extra] if extra is not None else [])]:
        found |= read_presets(path)
    return found


def read_presets(path: Path) -> dict[str, OptionPreset]:
    """Return the sets of one file; raises as :func:`find_presets`."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not a TOML file: {error}") from error
    found = {}
    for name, options in tables.items():
        if not isinstance(options, dict):
            raise ValueError(f"{path}: {name}: expected a table such as [{name}]")
        if name in ENCODER_PRESETS or name.isdecimal():
            raise ValueError(f"{path}: {name} is a preset of encoders: choose another name")
        text = str(options.pop(DESCRIPTION, ""))
        found[name] = OptionPreset(name, text, options, path)
    return found


def expand_presets(words: Sequence[str]) -> list[str]:
    """Return the words of ``cdfi interpolate`` with ``--preset NAME`` replaced by its options.

    A name that no set has is left to the encoder.

    Raises:
        OSError, ValueError: as :func:`find_presets`.
    """
    pairs = _pairs(words)
    if not any(option in ("--preset", "--preset-file") for option, _, _ in pairs):
        return list(words)
    file = next((Path(value) for option, value, _ in pairs if option == "--preset-file"), None)
    presets = find_presets(file)
    kept: list[str] = []
    chosen: dict[str, list[str]] = {}
    for option, value, both in pairs:
        if option == "--preset" and value in presets:
            chosen |= presets[value].words()
        elif option != "--preset-file":
            kept += both
    for names in EXCLUSIVE:
        if any(f"--{name}" in word.split("=")[:1] for name in names for word in kept):
            for name in names:
                chosen.pop(name, None)
    command, rest = kept[:1], kept[1:]
    return [*command, *(word for part in chosen.values() for word in part), *rest]


def _pairs(words: Sequence[str]) -> list[tuple[str, str, list[str]]]:
    """Return option, value and words of each word; only those of presets take the next word."""
    found: list[tuple[str, str, list[str]]] = []
    left = list(words)
    while left:
        word = left.pop(0)
        option, sign, value = word.partition("=")
        if option in ("--preset", "--preset-file") and not sign and left:
            value = left.pop(0)
            found.append((option, value, [word, value]))
        else:
            found.append((option, value, [word]))
    return found

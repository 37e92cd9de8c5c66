"""Read the project's Markdown files: code blocks, inline commands, links, headings."""

import re
import shlex
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
GUIDES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
CARD = ROOT / "src" / "cdfi" / "weights" / "MODEL_CARD.md"
FILES = [*GUIDES, ROOT / "CHANGELOG.md", CARD]

_BLOCK = re.compile(
    r"(?P<skip><!-- not run: .+? -->\n+)?^ *```(?P<language>\w+)\n(?P<code>.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)
_INLINE = re.compile(r"`(cdfi [^`]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


class Block(NamedTuple):
    """A fenced block of code that is not marked as impossible to run."""

    language: str
    code: str


def blocks(path: Path, *languages: str) -> list[Block]:
    """Return the blocks of a page in any of these languages."""
    found = _BLOCK.finditer(path.read_text(encoding="utf-8"))
    return [
        Block(match["language"], textwrap.dedent(match["code"]))
        for match in found
        if match["language"] in languages and not match["skip"]
    ]


def commands(path: Path) -> Iterator[list[str]]:
    """Yield the words of each command in a page's blocks for a shell."""
    for block in blocks(path, "console", "sh"):
        if "#SBATCH" in block.code:
            continue
        for line in block.code.replace("\\\n", " ").splitlines():
            words = shlex.split(line.removeprefix("$ "), comments=True)
            if words:
                yield words


def inline_commands(path: Path) -> Iterator[list[str]]:
    """Yield the words of each ``cdfi ...`` between backticks."""
    for text in _INLINE.findall(path.read_text(encoding="utf-8")):
        yield shlex.split(" ".join(text.replace("\\|", "|").split()))


def project() -> dict[str, Any]:
    """Return the table ``project`` of pyproject.toml."""
    tomllib = pytest.importorskip("tomllib", reason="Python 3.10 has no tomllib")
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return dict(table["project"])


def prose(path: Path) -> str:
    """Return a page without its blocks of code."""
    return _BLOCK.sub("", path.read_text(encoding="utf-8"))


def links(path: Path) -> list[str]:
    """Return the targets of a page's links to other files or to its own headings."""
    return [link for link in _LINK.findall(prose(path)) if not re.match(r"[a-z+]+:", link)]


def anchors(path: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and MyST form them."""
    titles = (re.sub(r"[`*]", "", title) for title in _HEADING.findall(prose(path)))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}

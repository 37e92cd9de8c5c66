"""Make pages of Markdown files that are outside ``docs/``, and keep all links between them right.

A copy of each file, with its links rewritten for its new place, is written into the folder of
generated files; a page of ``docs/`` includes it. Links to the original lead to that page.
"""

import os
import re
from pathlib import Path

from sphinx.application import Sphinx

DOCS = Path(__file__).parents[1]
ROOT = DOCS.parent
FOLDER = DOCS / "_generated"
#: File of the repository -> the page that includes its copy.
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "src/cdfi/weights/MODEL_CARD.md": "models.md",
}
LINK = re.compile(r"(?<=\]\()(?![a-z+]+:|#)([^)#\s]+)")


def moved(text: str, folder: Path) -> str:
    """Return Markdown of ``folder`` with its relative links rewritten for ``docs/``."""

    def target(match: re.Match[str]) -> str:
        path = Path(os.path.normpath(folder / match[1]))
        name = path.relative_to(ROOT).as_posix()
        return PAGES.get(name) or Path(os.path.relpath(path, DOCS)).as_posix()

    return LINK.sub(target, text)


def write(app: Sphinx) -> None:
    """Write the copies."""
    FOLDER.mkdir(exist_ok=True)
    for name in PAGES:
        source = ROOT / name
        text = moved(source.read_text(encoding="utf-8"), source.parent)
        (FOLDER / source.name).write_text(text, encoding="utf-8")


def read(app: Sphinx, name: str, content: list[str]) -> None:
    """Rewrite the links of a page of ``docs/`` that lead to one of the files."""
    if app.env.doc2path(name).suffix == ".md":
        content[0] = moved(content[0], DOCS)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.connect("builder-inited", write)
    app.connect("source-read", read)
    return {"parallel_read_safe": True}

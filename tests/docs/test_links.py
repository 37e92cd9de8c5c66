"""Links between the Markdown files, as GitHub shows them, and names of code in them."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from tests.docs.markdown import FILES, ROOT, anchors, links, prose


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_links_lead_to_files_and_headings_that_exist(path: Path) -> None:
    for link in links(path):
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), f"{path.name}: {link} does not exist"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{path.name}: no heading for {link}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_files_named_in_a_page_exist(path: Path) -> None:
    names = re.findall(r"`((?:benchmarks|docs|examples|recipes|src|tests)/[\w./-]+)`", prose(path))
    assert not [name for name in names if not (ROOT / name).exists()]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_python_names_in_a_page_exist(path: Path) -> None:
    for name in re.findall(r"`(cdfi(?:\.\w+)+)(?:\(.*?\))?`", prose(path)):
        assert resolves(name), f"{path.name}: there is no {name}"


def resolves(name: str) -> bool:
    """Return whether a dotted name is a module, or an attribute of a module."""
    module, _, attribute = name.rpartition(".")
    try:
        return hasattr(import_module(module), attribute) or bool(import_module(name))
    except ImportError:
        return False


def test_the_gallery_shows_every_example() -> None:
    gallery = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    missing = [
        p.name for p in (ROOT / "examples").glob("*.py") if f"examples/{p.name}" not in gallery
    ]
    assert not missing


def test_every_picture_of_the_docs_is_used() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in FILES)
    unused = [
        p.name for p in (ROOT / "docs" / "images").iterdir() if f"images/{p.name}" not in text
    ]
    assert not unused

"""The scripts behind the documentation site."""

import runpy
from pathlib import Path
from typing import Any

import pytest

from tests.docs.markdown import ROOT


@pytest.fixture(scope="module")
def layers() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "docs" / "_ext" / "layers.py"))


@pytest.fixture(scope="module")
def check_links() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "docs" / "_ext" / "check_links.py"))


@pytest.mark.long
def test_the_picture_shows_every_package_above_what_it_imports(layers: dict[str, Any]) -> None:
    edges = layers["graph"]()
    heights = layers["heights"](edges)
    assert {"cli", "video", "models", "ops", "common"} <= set(edges)
    assert all(heights[package] > heights[used] for package in edges for used in edges[package])
    picture = layers["svg"](edges)
    assert all(f">{package}</text>" in picture for package in edges)


def test_imports_that_follow_from_others_are_left_out(layers: dict[str, Any]) -> None:
    edges = {"a": {"b", "c"}, "b": {"c"}, "c": set()}
    assert layers["reduced"](edges) == {"a": {"b"}, "b": {"c"}, "c": set()}


def test_a_circle_of_imports_is_an_error(layers: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="a -> b -> a"):
        layers["heights"]({"a": {"b"}, "b": {"a"}})


def test_broken_links_of_the_site_are_named(check_links: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text('<a href="b.html#x"></a><a href="c.html"></a><p id="y">')
    (tmp_path / "b.html").write_text('<a href="a.html#y"></a><a href="https://example.org"></a>')
    lines = list(check_links["broken"](tmp_path))
    assert lines == ["a.html: b.html#x: no such anchor", "a.html: c.html: no such file"]

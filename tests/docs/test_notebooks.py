"""The notebooks of the documentation: run as stored, small, and rendered as a page."""

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from tests.docs.markdown import ROOT

NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
MOST_BYTES = 1_000_000
every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)


@pytest.fixture(scope="module")
def markdown() -> Any:
    return runpy.run_path(str(ROOT / "docs" / "_ext" / "notebooks.py"))["markdown"]


def test_there_is_a_notebook() -> None:
    assert NOTEBOOKS


@every_notebook
def test_a_notebook_is_small_and_was_run_from_the_top(path: Path) -> None:
    assert path.stat().st_size < MOST_BYTES
    cells = [x for x in json.loads(path.read_text("utf-8"))["cells"] if x["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))


@every_notebook
def test_a_notebook_becomes_a_page_with_its_pictures(path: Path, markdown: Any) -> None:
    page = markdown(path.read_text("utf-8"))
    assert page.startswith("# ")
    assert "cdfi.interpolate_frames(" in page
    assert page.count('src="data:image/png;base64,') >= 3
    assert 'src="data:image/webp;base64,' in page and "<svg" in page


def test_a_cell_that_was_not_run_or_failed_is_an_error(markdown: Any) -> None:
    cell = {"cell_type": "code", "source": ["1 / 0"], "execution_count": None, "outputs": []}
    with pytest.raises(ValueError, match="a cell was not run: 1 / 0"):
        markdown(json.dumps({"cells": [cell]}))
    failed = [{"output_type": "error", "evalue": "division by zero"}]
    with pytest.raises(ValueError, match="a cell failed: division by zero"):
        markdown(json.dumps({"cells": [{**cell, "execution_count": 1, "outputs": failed}]}))


@pytest.mark.slow  # about a minute
@every_notebook
def test_a_notebook_runs_and_has_outputs_of_the_same_kinds(path: Path) -> None:
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    stored, run = (nbformat.read(path, 4) for _ in range(2))
    settings = {"metadata": {"path": str(path.parent)}}
    nbclient.NotebookClient(run, timeout=600, kernel_name="python3", resources=settings).execute()
    assert [kinds(cell) for cell in run.cells] == [kinds(cell) for cell in stored.cells]


def kinds(cell: Any) -> list[str]:
    """Return the kinds of a cell's outputs: "stream" or that of the first picture."""
    return [
        output["output_type"]
        if "data" not in output
        else next(
            kind for kind in ("text/html", "image/png", "text/plain") if kind in output["data"]
        )
        for output in cell.get("outputs", [])
    ]

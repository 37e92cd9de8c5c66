"""The tables of a run."""

import csv
from pathlib import Path

import pytest

from cdfi.training.curves import read_column
from cdfi.training.logs import Log


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_rows_after_the_step_of_a_resume_are_removed(tmp_path: Path) -> None:
    log = Log(tmp_path)
    for step in (1, 2, 3):
        log.row("train", step, {"loss": step / 10})
    log.close()
    Log(tmp_path, step=2).close()
    assert [row["step"] for row in rows(tmp_path / "train.csv")] == ["1", "2"]


def test_a_new_name_adds_a_column(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.row("train", 1, {"loss": 1.0})
    log.row("train", 2, {"loss": 0.5, "warp": 0.1})
    log.close()
    assert [row["warp"] for row in rows(tmp_path / "train.csv")] == ["", "0.1"]


@pytest.mark.parametrize("text", ["name,value\na,b\n", "step,loss\nfirst,1\n"])
def test_a_file_that_is_not_a_table_of_a_run_is_named_and_kept(tmp_path: Path, text: str) -> None:
    path = tmp_path / "train.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"train\.csv is not the table of a run"):
        Log(tmp_path)
    assert path.read_text() == text


@pytest.mark.parametrize("text", ["name,loss\na,1\n", "step,loss\nfirst,1\n", "step,loss\n1,low\n"])
def test_curves_of_a_file_that_is_not_a_table_of_a_run_are_refused(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / "train.csv").write_text(text)
    with pytest.raises(ValueError, match=r"train\.csv is not the table of a run"):
        read_column(tmp_path / "train.csv", "loss")

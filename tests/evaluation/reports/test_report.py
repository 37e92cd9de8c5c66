"""Averages, and the forms a report is written in."""

import csv
import io
import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cdfi.common.machine import git_commit
from cdfi.evaluation import EvaluationReport, Method, Row, Skipped
from cdfi.evaluation.columns import choose_metrics
from cdfi.evaluation.data.layouts import TripletFrames
from cdfi.evaluation.data.rgb_images import RgbImage
from cdfi.evaluation.reports.contact_sheet import ContactSheet, Saver, error_map
from cdfi.evaluation.reports.plot import plot
from cdfi.evaluation.reports.protocol import protocol
from tests.evaluation.small_sets import noise

METRICS = choose_metrics(["psnr", "ssim"])


def method(name: str, parameters: int | None = None) -> Method:
    return Method(name, lambda *_: noise(0), parameters, parameters and "fp32")


def report(*psnrs: float, skipped: int = 0) -> EvaluationReport:
    """A report of one network and one baseline over the data set "set"."""
    methods = [method("net", 2_450_000), method("average")]
    cpu = torch.device("cpu")
    made = EvaluationReport(METRICS, methods, protocol(methods, METRICS, cpu))
    for number, psnr in enumerate(psnrs):
        scores = {"psnr": psnr, "ssim": 0.5}
        made.add(Row("net", "set", str(number), scores, 0.1 * (number + 1)))
        made.add(Row("average", "set", str(number), {"psnr": 20.0, "ssim": 0.25}, None))
    for number in range(skipped):
        made.add(Skipped("net", "set", f"bad{number}", "no such file"))
    return made


def test_averages_are_over_images() -> None:
    net, average = report(30, 33, 36).averages()
    assert (net.method, net.scores, net.images) == ("net", {"psnr": 33.0, "ssim": 0.5}, 3)
    assert net.seconds == pytest.approx(0.2)
    assert average.seconds is None


def test_an_infinite_psnr_is_counted_and_not_averaged() -> None:
    net = report(30, math.inf, 32).averages()[0]
    assert net.scores["psnr"] == 31
    assert net.exact == 1


def test_skipped_images_are_counted_beside_the_average() -> None:
    made = report(30, skipped=2)
    assert made.averages()[0].skipped == 2
    assert "| 1 (+2 skipped) |" in made.to_markdown()


def test_json_holds_rows_averages_and_protocol() -> None:
    read = json.loads(report(30, math.inf, skipped=1).to_json(), parse_constant=pytest.fail)
    assert read["rows"][2]["scores"]["psnr"] == "inf"
    assert read["averages"][0]["scores"]["psnr"] == 30
    assert read["skipped"][0]["reason"] == "no such file"
    assert {"prediction", "padding", "metrics", "precision", "versions", "machine"} <= set(
        read["protocol"]
    )
    assert read["protocol"]["precision"] == {"net": "fp32"}


def test_csv_has_a_line_for_each_image() -> None:
    lines = list(csv.DictReader(io.StringIO(report(30, 33, skipped=1).to_csv())))
    assert [line["psnr"] for line in lines if line["method"] == "net"] == ["30", "33", ""]
    assert lines[-1]["skipped"] == "no such file"


def test_markdown_is_one_table_with_the_protocol_under_it() -> None:
    text = report(30).to_markdown()
    assert text.startswith("| Data set | Method | PSNR | SSIM |")
    assert "| set | net | 30.00 | 0.5000 | 2.45 M | 100 ms | 1 |" in text
    assert "- prediction: clamped and rounded to 8 bits" in text


def test_the_protocol_names_the_commit_of_a_checkout() -> None:
    commit = git_commit()
    if commit is None:
        pytest.skip("not a git checkout")
    assert int(commit.rstrip("+"), 16) > 0


def test_an_error_map_is_black_where_nothing_is_wrong() -> None:
    truth = np.full((2, 2, 3), 100, np.uint8)
    wrong = truth.copy()
    wrong[0, 0, 1], wrong[1, 1] = 90, 200
    shown = error_map(wrong, truth)
    assert shown[0, 1].tolist() == [0, 0, 0]
    assert shown[1, 1].tolist() == [255, 255, 255]
    assert 0 < shown[0, 0, 0] < 255


def frames(name: str, error: int) -> tuple[Row, TripletFrames, RgbImage]:
    truth = np.full((24, 32, 3), 100, np.uint8)
    made = truth + np.uint8(error)
    row = Row("net", "set", name, {"psnr": 1.0}, None)
    return row, TripletFrames(name, truth, truth, truth), made


def test_the_contact_sheet_keeps_the_worst(tmp_path: Path) -> None:
    sheet = ContactSheet(2)
    for name, error in [("a", 5), ("b", 9), ("c", 1), ("d", 7)]:
        sheet(*frames(name, error))
    sheet.save(tmp_path / "sheet.png")
    assert sorted(case.row.name for case in sheet.cases["net"]) == ["b", "d"]
    assert Image.open(tmp_path / "sheet.png").size[0] > 5 * 32


def test_an_empty_contact_sheet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"sheet\.png: no contact sheet"):
        ContactSheet(2).save(tmp_path / "sheet.png")


def test_saved_images_are_named_by_method_data_set_and_triplet(tmp_path: Path) -> None:
    Saver(tmp_path)(*frames("clip/1", 5))
    np.testing.assert_array_equal(np.array(Image.open(tmp_path / "net/set/clip/1.png")), 105)


@pytest.mark.long
def test_the_plot_shows_every_data_set(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    plot(report(30, 33), tmp_path / "plot.svg")
    assert (tmp_path / "plot.svg").read_text().count('<g id="axes_') == 2


def test_the_plot_of_a_single_method_shows_its_images(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from matplotlib import rc_context

    made = report(*range(20, 40))
    made.methods = made.methods[:1]
    made.rows = [row for row in made.rows if row.method == "net"]
    with rc_context({"svg.fonttype": "none"}):  # text stays text
        plot(made, tmp_path / "plot.svg")
    drawn = (tmp_path / "plot.svg").read_text()
    assert drawn.count('<g id="axes_') == 2
    assert "mean 29.5" in drawn
    assert "of the worst images" in drawn


def test_a_plot_without_matplotlib_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ValueError, match=r"needs matplotlib: pip install 'cdfi\[plot\]'"):
        plot(report(30), tmp_path / "plot.png")

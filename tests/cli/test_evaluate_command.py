"""cdfi evaluate, datasets and benchmark as a user runs them."""

import csv
import json
from pathlib import Path

import pytest
from PIL import Image

from cdfi.cli.main import main
from cdfi.evaluation.cost import measure_here
from cdfi.weights import save
from tests.evaluation.small_sets import triplet_set
from tests.tiny import tiny_network


@pytest.fixture
def triplets(tmp_path: Path) -> Path:
    """A folder "set" of three triplets of random images."""
    return triplet_set(tmp_path / "set")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The file of a tiny network."""
    save(tiny_network(), tmp_path / "tiny.safetensors")
    return tmp_path / "tiny.safetensors"


def test_a_model_and_a_baseline_are_one_table(
    triplets: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(model), "-b", "average", "-d", str(triplets)]) == 0
    out, err = capsys.readouterr()
    assert [word in out for word in ("tiny", "average", "PSNR", "LPIPS (paper)", "machine")] == [
        True
    ] * 5
    assert err == ""


def test_every_output_is_written(triplets: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    out = tmp_path / "out"
    words = ["evaluate", "-b", "average", "-d", str(triplets), "--metrics", "psnr,ssim"]
    for option, name in [
        ("--json", "a.json"),
        ("--csv", "a.csv"),
        ("--markdown", "a.md"),
        ("--save-images", "images"),
        ("--error-maps", "errors"),
        ("--contact-sheet", "sheet.png"),
        ("--plot", "plot.png"),
    ]:
        words += [option, str(out / name)]
    assert main(words) == 0
    assert len(json.loads((out / "a.json").read_text())["rows"]) == 3
    assert len(list(csv.DictReader((out / "a.csv").open()))) == 3
    assert (out / "a.md").read_text().startswith("| Data set |")
    assert len(list((out / "images" / "average" / "set").glob("*.png"))) == 3
    assert len(list((out / "errors" / "average" / "set").glob("*.png"))) == 3
    assert Image.open(out / "sheet.png").size[0] > 0
    assert Image.open(out / "plot.png").size[0] > 0


@pytest.mark.parametrize(
    ("option", "name", "said"),
    [("--plot", "plot.nothing", "unknown image format"), ("--json", ".", "is a folder")],
)
def test_an_output_that_cannot_be_written_is_refused_before_scoring(
    triplets: Path,
    tmp_path: Path,
    option: str,
    name: str,
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.setattr("cdfi.evaluation.Scorer.run", lambda *_: pytest.fail("scored"))
    words = ["evaluate", "-b", "average", "-d", str(triplets), option, str(tmp_path / name)]
    assert main(words) == 1
    assert said in capsys.readouterr().err


def test_saved_images_score_the_same_as_predictions(
    triplets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["-d", str(triplets), "--metrics", "psnr,ssim", "--json", "-"]
    made = tmp_path / "made"
    assert main(["evaluate", "-b", "average", "--save-images", str(made), *common]) == 0
    first = json.loads(capsys.readouterr().out)
    assert main(["evaluate", "--predictions", str(made / "average"), *common]) == 0
    second = json.loads(capsys.readouterr().out)
    assert [row["scores"] for row in first["rows"]] == [row["scores"] for row in second["rows"]]


def test_a_missing_ground_truth_is_one_line_and_status_1(
    triplets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (triplets / "1" / "im2.png").unlink()
    assert main(["evaluate", "-b", "average", "-d", str(triplets)]) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "1/im2.png" in err


def test_keep_going_counts_skipped_images(
    triplets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (triplets / "1" / "im2.png").unlink()
    assert main(["evaluate", "-b", "average", "-d", str(triplets), "--keep-going"]) == 0
    out, err = capsys.readouterr()
    assert "2 (+1 skipped)" in out
    assert "1/im2.png: no such file" in err
    assert "1 of 3 skipped" in err


def test_two_methods_of_one_name_are_refused(
    triplets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", "-b", "average", "-b", "average", "-d", str(triplets)]
    assert main(words) == 1
    assert "two methods are called average" in capsys.readouterr().err


@pytest.mark.long
def test_files_of_one_name_are_distinguished_by_their_folders(
    triplets: Path, model: Path, tmp_path: Path
) -> None:
    words = ["evaluate", str(model)]
    for folder in ("a", "b"):
        save(tiny_network(), tmp_path / folder / "best.safetensors")
        words.append(str(tmp_path / folder / "best.safetensors"))
    words += ["-d", str(triplets), "--json", str(tmp_path / "report.json")]
    images = ["--save-images", str(tmp_path / "made")]
    assert main([*words, *images]) == 0
    rows = json.loads((tmp_path / "report.json").read_text())["rows"]
    assert {row["method"] for row in rows} == {"tiny", "a/best", "b/best"}
    made = [str(tmp_path / "made" / folder / "best") for folder in ("a", "b")]
    again = ["evaluate", "--predictions", made[0], "--predictions", made[1], *words[-4:]]
    assert main(again) == 0
    rows = json.loads((tmp_path / "report.json").read_text())["rows"]
    assert {row["method"] for row in rows} == {"a/best", "b/best"}


def test_two_data_sets_of_one_name_are_refused(
    triplets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other" / "set").mkdir(parents=True)
    words = ["-d", str(triplets), "-d", str(tmp_path / "other" / "set")]
    assert main(["evaluate", "-b", "average", *words]) == 1
    assert "two data sets are called set" in capsys.readouterr().err


def test_names_must_be_three(triplets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "-b", "average", "-d", str(triplets), "--names", "a,b"]) == 1
    assert "--names: expected three file names" in capsys.readouterr().err


def test_data_sets_are_listed_with_what_is_here(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["datasets", "list", "--json", "--data", str(data)]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert (rows["middlebury"]["here"], rows["ucf101-dvf"]["here"]) == (12, 379)


def test_the_error_of_a_data_set_without_download_names_its_source(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["datasets", "download", "snu-film-hard"]) == 1
    assert "https://myungsub.github.io/CAIN" in capsys.readouterr().err


@pytest.mark.long
def test_the_costs_of_a_model_are_one_report(
    model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A process for each cost has a test of its own.
    monkeypatch.setattr("cdfi.evaluation.cost.measure", measure_here)
    words = ["benchmark", str(model), "--sizes", "32x32", "--precisions", "fp32", "--runs", "1"]
    assert main([*words, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["costs"][0]["width"] == 32
    assert report["machine"]


def test_a_malformed_size_is_refused(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["benchmark", str(model), "--sizes", "32"]) == 1
    assert "--sizes: expected WIDTHxHEIGHT" in capsys.readouterr().err

"""Data sets and methods scored in a Ray cluster: make test-cluster."""

import json
import os

import pytest

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
pytest.importorskip("ray", reason="needs the extra ray: pip install 'cdfi[ray]'")

from cdfi.cli.main import main
from tests.cli.interpolate_inputs import tiny_model
from tests.evaluation.small_sets import triplet_set

pytestmark = pytest.mark.cluster


def scores(path):
    found = json.loads(path.read_text())
    return [(row["dataset"], row["method"], row["name"], row["scores"]) for row in found["rows"]]


def test_the_scores_are_those_of_one_process(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    triplet_set(tmp_path / "one")
    triplet_set(tmp_path / "two")
    words = ["evaluate", str(tiny_model(tmp_path)), "-b", "average", "-d", "one", "-d", "two"]
    words += ["--metrics", "psnr,ssim"]
    assert main([*words, "--json", "here.json"]) == 0
    assert main([*words, "--ray", "local", "--json", "ray.json", "--save-images", "images"]) == 0
    assert scores(tmp_path / "ray.json") == scores(tmp_path / "here.json")
    assert len(list((tmp_path / "images").rglob("*.png"))) == 12
    (tmp_path / "two" / "1" / "im2.png").unlink()
    capsys.readouterr()
    assert main([*words, "--ray", "local"]) == 1
    err = capsys.readouterr().err.splitlines()
    assert len(err) == 1 and "two" in err[0] and "im2.png" in err[0]
    assert main([*words, "--ray", "local", "--contact-sheet", "sheet.png"]) == 1
    assert "leave out --ray" in capsys.readouterr().err

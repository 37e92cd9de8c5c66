"""cdfi info: a model, or the environment."""

import json
from pathlib import Path

import pytest

from cdfi.cli.main import main
from cdfi.weights import save
from tests.tiny import tiny_network


def test_info_shows_the_environment(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "--environment"]) == 0
    assert {"versions", "devices", "codecs", "cache"} <= json.loads(capsys.readouterr().out).keys()


def test_info_shows_a_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(tiny_network(), tmp_path / "a.safetensors", info={"note": "hello"})
    assert main(["info", str(tmp_path / "a.safetensors")]) == 0
    assert json.loads(capsys.readouterr().out)["notes"]["note"] == "hello"


@pytest.mark.parametrize("words", [[], ["cdfi", "--environment"]])
def test_info_needs_either_a_model_or_the_option(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["info", *words]) == 1
    assert "expected either a model or --environment" in capsys.readouterr().err

"""A tiny model, and calls of ``cdfi interpolate`` with it."""

from pathlib import Path

import pytest

from tests.cli.interpolate_inputs import Command, tiny_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def command(model: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(model, capsys)

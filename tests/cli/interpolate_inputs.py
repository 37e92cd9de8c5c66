"""Small inputs, a tiny network, and a call of the command in this process, for its tests."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from cdfi import Config, Network, save
from cdfi.cli.main import main

TWO = (2, 2, 2)
CONFIG = Config(3, 1, (TWO,) * 5, (TWO,) * 4, TWO, TWO, TWO, TWO, TWO, TWO, TWO)


def tiny_model(folder: Path) -> Path:
    """Write a network of widths of two with random weights."""
    torch.manual_seed(0)
    path = folder / "tiny.safetensors"
    save(Network(CONFIG), path)
    return path


def write_image(path: Path, number: int = 0, size: tuple[int, int] = (40, 24)) -> Path:
    """Write a smooth image."""
    width, height = size
    ramp = np.add.outer(np.arange(height), np.arange(width))[..., None] * np.array([1, 2, 3])
    Image.fromarray(((ramp + number * 9) % 200).astype(np.uint8)).save(path)
    return path


@dataclass
class Command:
    """Runs ``cdfi interpolate`` and keeps its output."""

    model: Path
    capture: pytest.CaptureFixture[str]
    out: str = ""
    err: str = ""

    def __call__(self, *words: object) -> int:
        """Return the exit status of a call with the tiny network."""
        status = main(["interpolate", "--model", str(self.model), *map(str, words)])
        self.out, self.err = self.capture.readouterr()
        return status

    def json(self, *words: object) -> dict[str, Any]:
        """Return the report of a call that succeeds."""
        assert self(*words, "--json") == 0, self.err
        report: dict[str, Any] = json.loads(self.out)
        return report

"""VGG16's file, with random weights in it."""

from pathlib import Path

import pytest
import torch

from cdfi.training.losses.vgg import _features


@pytest.fixture(scope="session")
def vgg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("vgg") / "vgg16.pth"
    state = {f"features.{name}": value for name, value in _features().state_dict().items()}
    torch.save({**state, "classifier.0.bias": torch.zeros(1)}, path)
    return path

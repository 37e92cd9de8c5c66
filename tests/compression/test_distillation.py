"""A small network learns the outputs and features of its original."""

import copy

import pytest
import torch

from cdfi.compression import Distillation, density, derive
from tests.compression.zoo import build, example


def test_distillation_reduces_the_difference_of_outputs_and_features() -> None:
    model = build("Residual")
    small = derive(model, (example(),), {row.name: 0.5 for row in density(model)}).module
    distil = Distillation(model, small, features={"norm": 0.1})
    optimizer = torch.optim.Adam(small.parameters(), 1e-2)
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        result, loss = distil(example())
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert result.shape == model(example()).shape
    assert losses[-1] < 0.5 * losses[0]
    assert all(p.grad is None for p in model.parameters())


def test_a_copy_has_no_loss() -> None:
    model = build("Siamese")
    same = copy.deepcopy(model)
    assert (
        float(Distillation(model, same, features={"encoder": 1.0, "hidden": 1.0})(example())[1])
        == 0
    )


def test_a_module_that_does_not_exist_is_named() -> None:
    model = build("Siamese")
    with pytest.raises(ValueError, match="'head', which the teacher does not have"):
        Distillation(model, model, features={"head": 1.0})

"""Iterative pruning: what each step leaves, and a network that shrinks in steps."""

import pytest
import torch
from torch import nn

from cdfi.compression import Budget, derive_by_importance, pruning_steps
from cdfi.compression.iterative import CURVES


@pytest.mark.parametrize("curve", CURVES)
def test_what_is_left_falls_to_the_final_fraction(curve: str) -> None:
    left = pruning_steps(0.25, 4, curve)
    assert left[-1] == pytest.approx(0.25)
    assert all(a > b for a, b in zip([1.0, *left], left))


def test_the_curves_are_those_of_their_names() -> None:
    assert pruning_steps(0.25, 2) == [0.5, 0.25]
    assert pruning_steps(0.5, 2, "linear") == [0.75, 0.5]
    assert pruning_steps(0.2, 2, "cubic") == pytest.approx([0.3, 0.2])


def test_bad_schedules_are_refused() -> None:
    with pytest.raises(ValueError, match="one of geometric, linear, cubic, got 'cosine'"):
        pruning_steps(0.5, 2, "cosine")
    for final, steps in ((0.0, 2), (1.5, 2), (0.5, 0)):
        with pytest.raises(ValueError, match=r"a final fraction in \(0, 1\] and at least one step"):
            pruning_steps(final, steps)


def test_a_network_shrinks_in_steps_with_training_between_them() -> None:
    torch.manual_seed(0)
    model: nn.Module = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 1))
    x = torch.rand(16, 4)
    full, sizes = sum(p.numel() for p in model.parameters()), []
    for left in pruning_steps(0.25, 3):
        model(x).square().mean().backward()  # gradients, which the importance reads
        budget = Budget(parameters=int(left * full))
        model = derive_by_importance(model, (x,), importance="taylor", budget=budget).module
        sizes.append(sum(p.numel() for p in model.parameters()) / full)
    assert sizes == pytest.approx([0.63, 0.397, 0.25], abs=0.02)

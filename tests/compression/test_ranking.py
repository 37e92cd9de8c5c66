"""Widths by a ranking of channels: local, global, within budgets of every kind."""

from typing import Any

import pytest
import torch
from torch import nn

from cdfi.compression import Budget, derive, derive_by_importance, derived, latency, peak_memory
from cdfi.compression.tracing.trace import Example

EXAMPLE = (torch.rand(1, 3, 8, 8),)


@torch.no_grad()
def network() -> Any:
    """Two hidden layers of 8 channels; all weights are equal, but five filters are large."""
    model = nn.Sequential(nn.Conv2d(3, 8, 1), nn.Conv2d(8, 8, 1), nn.Conv2d(8, 2, 1))
    for layer in model:
        layer.weight.fill_(0.1)  # type: ignore[operator, union-attr]
        layer.bias.zero_()  # type: ignore[operator, union-attr]
    model[0].weight[6:] = 5  # type: ignore[index]
    model[1].weight[:3] = 4  # type: ignore[index]
    return model.eval()


def widths(model: Any) -> tuple[int, int]:
    return model[0].out_channels, model[1].out_channels


def test_a_local_ranking_keeps_a_fraction_of_every_width() -> None:
    model = network()
    small: Any = derive_by_importance(model, EXAMPLE, 0.25, ranking="local").module
    assert widths(small) == (2, 2)
    assert torch.equal(small[0].weight, model[0].weight[6:])


def test_a_global_ranking_keeps_the_largest_channels_of_the_network() -> None:
    model = network()
    found = derive_by_importance(model, EXAMPLE, 5 / 16)
    small: Any = found.module
    assert widths(small) == (2, 3)
    assert torch.equal(small[1].weight, model[1].weight[:3, 6:])
    assert found.factor == 5 / 16


def test_no_width_vanishes_and_widths_are_rounded_in_channels() -> None:
    assert widths(derive_by_importance(network(), EXAMPLE, 1e-6).module) == (1, 1)
    assert widths(derive_by_importance(network(), EXAMPLE, 5 / 16, round_to=4).module) == (4, 4)


@pytest.mark.parametrize("ranking", ["local", "global"])
def test_a_budget_of_parameters_or_operations_is_met_closely(ranking: str) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 64, 3), nn.BatchNorm2d(64), nn.Conv2d(64, 2, 1)).eval()
    for budget in (Budget(parameters=600), Budget(flops=30_000)):
        found = derive_by_importance(model, EXAMPLE, ranking=ranking, budget=budget)
        limits = (found.after.parameters, budget.parameters), (found.after.flops, budget.flops)
        value, limit = next(pair for pair in limits if pair[1] is not None)
        assert 0.9 * limit < value <= limit


def test_bad_rankings_and_fractions_are_refused() -> None:
    with pytest.raises(ValueError, match="the ranking is one of local, global, got 'layer'"):
        derive_by_importance(network(), EXAMPLE, 0.5, ranking="layer")
    for keep in (0.0, 1.5, float("nan")):
        with pytest.raises(ValueError, match=r"expected keep in \(0, 1\]"):
            derive_by_importance(network(), EXAMPLE, keep)


def test_memory_is_that_of_the_tensors_at_the_worst_moment() -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 1), nn.ReLU(), nn.Conv2d(8, 1, 1))
    plane = 4 * 8 * 8
    weights = 4 * (3 * 8 + 8 + 8 + 1)
    assert peak_memory(model, EXAMPLE) == weights + (8 + 8) * plane
    assert latency(model, EXAMPLE) > 0


@pytest.mark.long
@pytest.mark.parametrize("by_density", [True, False])
def test_a_budget_of_memory_is_met(by_density: bool) -> None:
    model = network()
    limit = peak_memory(model, EXAMPLE) * 2 // 3
    budget = Budget(memory=limit)
    if by_density:
        found = derive(model, EXAMPLE, dict.fromkeys("012", 0.5), budget=budget)
    else:
        found = derive_by_importance(model, EXAMPLE, budget=budget)
    assert found.memory == peak_memory(found.module, EXAMPLE)
    assert 0.7 * limit < found.memory <= limit
    assert found.milliseconds is None


def test_a_budget_of_time_is_met_by_measured_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    def channels(model: Any, _example: Example) -> float:
        return float(sum(widths(model)))

    monkeypatch.setattr(derived, "latency", channels)
    found = derive_by_importance(network(), EXAMPLE, budget=Budget(milliseconds=9.5))
    assert found.milliseconds == sum(widths(found.module)) <= 9
    assert found.milliseconds >= 7
    with pytest.raises(ValueError, match="within 1 ms: with every width at 1 it still takes 2 ms"):
        derive_by_importance(network(), EXAMPLE, budget=Budget(milliseconds=1))

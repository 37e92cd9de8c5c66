"""Muon on filters: the same steps whatever their layout, and PyTorch's own on matrices."""

import pytest
import torch
from torch import nn

from cdfi.training.optim import muon
from cdfi.training.optim.muon import Muon, orthogonalized


def _steps(layer: nn.Module, count: int = 3) -> list[torch.Tensor]:
    optimizer = Muon(list(layer.parameters()), lr=0.01, weight_decay=0.1)
    x = torch.linspace(-1, 1, 2 * 4 * 6 * 6).view(2, 4, 6, 6).sin()
    for _ in range(count):
        optimizer.zero_grad()
        layer(x).square().mean().backward()
        optimizer.step()
    return [p.detach().clone() for p in layer.parameters()]


def _layer() -> nn.Conv2d:
    torch.manual_seed(0)
    return nn.Conv2d(4, 5, 3)


def test_both_layouts_of_filters_take_the_same_steps() -> None:
    plain = _steps(_layer())
    last = _steps(_layer().to(memory_format=torch.channels_last))
    assert not torch.equal(plain[0], _layer().weight)
    for one, two in zip(plain, last):
        assert torch.allclose(one, two, atol=2e-4)  # the iteration may run in bfloat16


@pytest.mark.parametrize("quick", [False, True])
def test_muon_steps_filters_as_pytorchs_muon_steps_matrices(quick, monkeypatch) -> None:
    monkeypatch.setattr(muon, "quick_bf16", lambda _: quick)
    layer = _layer()
    optimizer = Muon([layer.weight], lr=0.01, weight_decay=0.1)
    matrix = nn.Parameter(layer.weight.detach().flatten(1).clone())
    settings = {"lr": 0.01, "weight_decay": 0.1, "adjust_lr_fn": "match_rms_adamw"}
    pytorchs = torch.optim.Muon([matrix], **settings)  # type: ignore[arg-type]
    for seed in range(3):
        torch.manual_seed(seed)
        layer.weight.grad = torch.randn_like(layer.weight)
        matrix.grad = layer.weight.grad.flatten(1).clone()
        optimizer.step()
        pytorchs.step()
    moved = (matrix - _layer().weight.flatten(1)).norm()
    assert (layer.weight.flatten(1) - matrix).norm() < (1e-3 if quick else 0.02) * moved


@pytest.mark.parametrize("shape", [(5, 36), (36, 5), (12, 12)])
@pytest.mark.parametrize("quick", [False, True])
def test_the_direction_is_nearly_orthogonal(shape, quick, monkeypatch) -> None:
    monkeypatch.setattr(muon, "quick_bf16", lambda _: quick)
    torch.manual_seed(1)
    values = torch.linalg.svdvals(orthogonalized([torch.randn(shape)])[0])
    assert values.min() > 0.3
    assert values.max() < 1.3


def test_zero_padded_matrices_have_the_same_directions(monkeypatch) -> None:
    monkeypatch.setattr(muon, "quick_bf16", lambda _: False)
    torch.manual_seed(2)
    matrices = [torch.randn(shape) for shape in [(5, 36), (36, 5), (7, 18), (12, 12)]]
    alone = [orthogonalized([matrix])[0] for matrix in matrices]
    monkeypatch.setattr(muon, "_size_multiples", lambda _: (16, 48))
    together = orthogonalized(matrices)
    for one, other in zip(alone, together):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_old_gradients_are_forgotten() -> None:
    layer = _layer()
    optimizer = Muon(list(layer.parameters()), lr=0.01, weight_decay=0.0)
    layer(torch.ones(1, 4, 6, 6)).sum().backward()
    optimizer.step()
    optimizer.zero_grad()
    assert all(p.grad is None for p in layer.parameters())


def test_a_rate_set_after_loading_is_used() -> None:
    layer = _layer()
    optimizer = Muon(list(layer.parameters()), lr=0.01, weight_decay=0.0)
    optimizer.load_state_dict(optimizer.state_dict())
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    before = [p.detach().clone() for p in layer.parameters()]
    layer(torch.ones(1, 4, 6, 6)).sum().backward()
    optimizer.step()
    assert all(torch.equal(a, b) for a, b in zip(before, layer.parameters()))

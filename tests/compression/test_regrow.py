"""Channels that do nothing get new weights, and nothing else changes."""

import pytest
import torch
from torch import nn

from cdfi.compression import density, derive, overall, regrow
from cdfi.design.architecture import compact
from cdfi.models import Network
from tests.compression.zoo import build, conv, example
from tests.tiny import TINY


def _dead_chain() -> nn.Sequential:
    """Channels 2 to 4 are made by zeros and read by zeros."""
    torch.manual_seed(0)
    model = nn.Sequential(conv(3, 8), nn.ReLU(), conv(8, 3))
    with torch.no_grad():
        model[0].weight[2:5] = 0
        model[2].weight[:, 2:5] = 0
    return model


def test_regrow_gives_dead_channels_gradients_and_keeps_the_output() -> None:
    model = _dead_chain()
    before = model(example())
    assert regrow(model, (example(),)) == 3
    torch.testing.assert_close(model(example()), before)
    model(example()).square().mean().backward()
    assert model[2].weight.grad is not None
    assert model[2].weight.grad[:, 2:5].abs().amin() > 0


def test_regrow_does_not_change_live_channels() -> None:
    model = _dead_chain()
    kept = model[0].weight[:2].clone()
    regrow(model, (example(),))
    assert torch.equal(model[0].weight[:2], kept)
    weights = [p.clone() for p in model.parameters()]
    model[2].weight.data[:, 2:5] = 1
    assert regrow(model, (example(),)) == 0
    assert torch.equal(model[0].weight, weights[0])


def test_regrow_initialises_zero_channels_that_are_read() -> None:
    model = _dead_chain()
    with torch.no_grad():
        model[0].bias[2:5] = -1  # nothing passes the ReLU
        model[2].weight[:, 2:5] = 1
    before = model(example())
    assert regrow(model, (example(),)) == 3
    torch.testing.assert_close(model(example()), before)
    assert model[2].weight[:, 2:5].abs().max() == 0


@pytest.mark.parametrize("name", ["Residual", "Shuffle", "Flow", "Siamese"])
@torch.no_grad()
def test_models_of_every_style_compute_the_same(name: str) -> None:
    model = build(name).eval()
    for module in model.modules():
        if isinstance(module, nn.Conv2d) and module.out_channels > 3:
            module.weight[:4] = 0
            assert module.bias is not None
            module.bias[:4] = 0
        if isinstance(module, nn.BatchNorm2d):
            module.weight[:4] = 0
            module.bias[:4] = 0
    before = model(example())
    assert regrow(model, (example(),)) > 0
    torch.testing.assert_close(model(example()), before, atol=1e-5, rtol=0)


def test_a_derived_network_has_no_dead_channels() -> None:
    model = _dead_chain()
    small = derive(model, (example(),), {"0": 0.6, "2": 0.6}).module
    assert small[0].weight.shape[0] == 6
    assert overall(density(small)) > overall(density(model))
    torch.testing.assert_close(small(example()), model(example()), atol=1e-5, rtol=0)


def test_a_compact_network_of_ours_has_no_dead_channels() -> None:
    torch.manual_seed(0)
    network = Network(TINY)
    with torch.no_grad():
        network.encoder[1][2].weight[0] = 0
        network.encoder[1][4].weight[:, 0] = 0
    frames = torch.rand(2, 1, 3, 32, 32)
    densities = {row.name: 1.0 for row in density(network)}
    same, _ = compact(network, densities)
    assert same.encoder[1][2].weight[0].abs().amin() > 0
    assert torch.allclose(same(*frames), network(*frames), atol=1e-6)

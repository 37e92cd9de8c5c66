"""Measures of importance decide which channels a smaller module keeps."""

from typing import Any

import pytest
import torch
from torch import nn

from cdfi.compression import derive
from cdfi.compression.importance import IMPORTANCE


def network() -> nn.Sequential:
    """Four channels; the last two of the first layer are kept in these tests."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 1, 1))
    return model.eval()


@torch.no_grad()
def prepared(name: str) -> nn.Sequential:
    model: Any = network()
    weight, last = model[0].weight, model[2].weight
    if name == "magnitude":
        weight[2:] *= 10
    elif name == "taylor":
        weight.grad, last.grad = torch.zeros_like(weight), torch.zeros_like(last)
        weight.grad[2:] = weight[2:]
    elif name == "norm_scale":
        model[1].weight[2:] = 5
        model[0].bias.zero_()
    else:
        weight[:2] = weight.mean(0)  # the same filter twice, in the middle of all
    return model


@pytest.mark.parametrize("name", IMPORTANCE)
def test_the_important_channels_are_kept(name: str) -> None:
    model: Any = prepared(name)
    example = (torch.rand(1, 1, 6, 6),)
    small: Any = derive(model, example, {"0": 0.25, "2": 0.25}, importance=name).module
    assert torch.equal(small[0].weight, model[0].weight[2:])
    assert torch.equal(small[2].weight, model[2].weight[:, 2:])


def test_measures_that_cannot_be_computed_are_refused() -> None:
    example = (torch.rand(1, 1, 6, 6),)
    with pytest.raises(ValueError, match=r"call backward\(\)"):
        derive(network(), example, {"0": 0.5}, importance="taylor")
    with pytest.raises(ValueError, match="importance is one of magnitude, taylor"):
        derive(network(), example, {"0": 0.5}, importance="size")

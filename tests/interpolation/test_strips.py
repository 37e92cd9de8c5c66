"""Computation by strips is exact for all sizes of strips and chunks."""

from dataclasses import replace

import pytest
import torch

from cdfi.interpolation.strips import middle_by_strips
from cdfi.models.gridnet import GridNet
from tests.tiny import (
    TINY,
    TINY_DETAILED,
    TINY_MATCHING,
    TINY_REFINED,
    TINY_SYNTHESIS,
    tiny_network,
)

RELEASED = TINY_SYNTHESIS.as_released()


@pytest.mark.long
@pytest.mark.parametrize(
    "config",
    [
        TINY,
        TINY_SYNTHESIS,
        replace(RELEASED, rounding="floor"),
        TINY_MATCHING,
        TINY_REFINED,
        TINY_DETAILED,
        replace(TINY_SYNTHESIS, refine=2, flow=(3,), compare=(4, 2), detail=(3, 2, 4)),
    ],
    ids=["plain", "synthesis", "stretched", "matching", "refined", "detailed", "all"],
)
@pytest.mark.parametrize(("chunk", "strip"), [(512, 32), (64, 8), (8, 8), (40, 24)])
@torch.inference_mode()
def test_strips_equal_the_whole_frame(config, chunk, strip):
    network = tiny_network(config, gain=20)
    frames = torch.rand(2, 1, 3, 210, 45)
    whole = network(*frames)
    pieces = middle_by_strips(network, *frames, chunk, strip)
    assert torch.allclose(pieces, whole, atol=1e-4 * float(whole.max() - whole.min()))


@torch.inference_mode()
def test_a_batch_goes_through_strips_too():
    network = tiny_network(TINY_SYNTHESIS)
    frames = torch.rand(2, 3, 3, 70, 33)
    assert torch.allclose(middle_by_strips(network, *frames, 32, 8), network(*frames), atol=1e-5)


def test_nothing_beyond_the_halo_reaches_a_row_of_gridnet():
    torch.manual_seed(0)
    grid = GridNet(2, 1, (2, 2, 2)).double()
    x = torch.rand(1, 2, 320, 8, dtype=torch.float64, requires_grad=True)
    grid(x)[0, 0, 160:168].square().sum().backward()
    rows = x.grad.abs().sum((0, 1, 3)).nonzero().flatten()
    assert 160 - GridNet.halo <= rows.min() < 160 - 56
    assert 167 + 56 < rows.max() <= 167 + GridNet.halo

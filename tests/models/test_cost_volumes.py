"""Networks with cost volumes: their values, initialisation and derived widths."""

from dataclasses import replace

import pytest
import torch

from cdfi.design.architecture import compact
from cdfi.models import Network
from cdfi.models.cost_volumes import Matching
from cdfi.training.build import initialise
from cdfi.training.warm_start import copy_overlap
from tests.tiny import TINY, TINY_MATCHING, tiny_network


def test_levels_halve_and_hold_cosines():
    matching = Matching((4, 6), (1, 2))
    fine, coarse = matching(*torch.randn(2, 2, 3, 32, 64))
    assert fine.shape == (2, 9, 16, 32)
    assert coarse.shape == (2, 25, 8, 16)
    for volume in (fine, coarse):
        assert volume.abs().max() <= 1 + 1e-5


def test_swapping_the_frames_reverses_every_volume():
    matching = Matching((4,), (2,))
    frames = torch.randn(2, 1, 3, 32, 32)
    (forward,), (backward,) = matching(*frames), matching(*frames.flip(0))
    assert torch.allclose(forward, backward.flip(1), atol=1e-6)


def test_cost_volumes_added_to_a_network_keep_its_output():
    torch.manual_seed(0)
    old, new = Network(TINY), initialise(Network(TINY_MATCHING))
    copy_overlap(new, old.state_dict(), TINY)
    frames = torch.rand(2, 1, 3, 40, 64)
    assert torch.allclose(new(*frames), old(*frames), atol=1e-6)
    new(*frames).square().sum().backward()
    assert new.encoder[1][0].weight.grad[:, 2:].any()  # and its new weights get a gradient


def test_initial_descriptors_ignore_brightness():
    matching = initialise(Network(TINY_MATCHING)).matching
    flat = torch.full((1, 3, 32, 32), 0.7)
    assert matching.describe[0][0](flat)[..., 1:, 1:].abs().max() < 1e-6


@pytest.mark.long
def test_descriptors_are_derived_with_everything_else():
    network = tiny_network(replace(TINY_MATCHING, describe=(8, 6)))
    densities = {"matching.describe.0.0": 0.25, "matching.describe.0.2": 0.9}
    small, row = compact(network, densities, "min")
    assert row.config.describe == (4, 6)
    assert row.config.matching == TINY_MATCHING.matching
    assert small(*torch.rand(2, 1, 3, 40, 33)).shape == (1, 3, 40, 33)

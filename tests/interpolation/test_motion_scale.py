"""Motion at a smaller size: by name, and for which networks."""

import pytest
import torch

from cdfi import Interpolator
from cdfi.models.flow_network import FlowNetwork
from cdfi.video import ModelSpec
from tests.models.test_flow_network import TINY as TINY_FLOW
from tests.tiny import tiny_network


@pytest.mark.parametrize(
    ("scale", "halvings"), [(1, 0), (0.5, 1), ("0.25", 2), ("1/2", 1), ("auto", None)]
)
def test_a_scale_becomes_a_number_of_halvings(scale, halvings):
    network = FlowNetwork(TINY_FLOW)
    interpolator = Interpolator(network, "cpu", scale=scale)
    assert network.halvings == halvings
    frames = torch.rand(2, 3, 70, 80)
    assert interpolator(*frames).shape == (3, 70, 80)


@pytest.mark.parametrize("scale", ["0.3", "2", "half", ""])
def test_other_scales_are_refused(scale):
    with pytest.raises(ValueError, match="expected a scale of 1, 0.5"):
        Interpolator(FlowNetwork(TINY_FLOW), "cpu", scale=scale)


def test_networks_without_a_scale_are_refused():
    with pytest.raises(ValueError, match="needs the models flow or flow-wide"):
        Interpolator(tiny_network(), "cpu", scale=0.5)
    Interpolator(tiny_network(), "cpu", scale="auto")


def test_jobs_of_different_scales_have_different_fingerprints():
    texts = {ModelSpec("flow", "cpu", scale=scale).fingerprint() for scale in (None, "0.5", "auto")}
    assert len(texts) == 3
    assert (
        ModelSpec("flow", "cpu").fingerprint() == ModelSpec("flow", "cpu", scale="1").fingerprint()
    )

"""The one network: its sizes, its prediction, its gradients, and that it compiles and exports."""

from dataclasses import replace

import pytest
import torch

from cdfi.models import NETWORKS, Network
from cdfi.models.network import pad_to_multiple
from tests.tiny import (
    TINY,
    TINY_DETAILED,
    TINY_MATCHING,
    TINY_REFINED,
    TINY_SYNTHESIS,
    tiny_network,
)

PARAMETERS = {
    "adacof": 21_843_427,
    "adacof+": 22_933_219,
    "compressed-adacof": 2_452_094,
    "compressed-adacof+": 2_557_214,
    "cdfi": 4_976_718,
}
OURS = {"matched-adacof": 2_690_823, "aligned-adacof": 2_804_863}
KINDS = [TINY, TINY_SYNTHESIS, TINY_MATCHING, TINY_REFINED, TINY_DETAILED]
NAMES = ["plain", "synthesis", "matching", "refined", "detailed"]
#: Networks to compile and export; "detailed" has every part of "refined".
COMPILED = [
    pytest.param(TINY, id="plain"),
    pytest.param(TINY_DETAILED, id="detailed"),
    pytest.param(TINY_MATCHING, id="matching"),
    pytest.param(TINY_REFINED, id="refined", marks=pytest.mark.slow),
]


def test_each_row_has_the_published_number_of_parameters():
    found = {}
    for name, config in NETWORKS.items():
        with torch.device("meta"):
            found[name] = sum(p.numel() for p in Network(config).parameters())
    assert found == PARAMETERS | OURS


@pytest.mark.parametrize("config", KINDS, ids=NAMES)
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (31, 33), (32, 64)])
def test_any_size_of_frame_goes_in_and_comes_out(config, size):
    frames = torch.rand(2, 2, 3, *size)
    assert tiny_network(config)(*frames).shape == (2, 3, *size)


def test_equal_frames_with_unmoved_taps_come_back_unchanged():
    network = tiny_network(replace(TINY, dilation=1))
    with torch.no_grad():
        for side in (0, 1):
            weight, rows, columns = (
                network.heads[f"{n}{side}"].last for n in ("weight", "alpha", "beta")
            )
            for layer in (weight, rows, columns):
                layer.weight.zero_()
                layer.bias.zero_()
            weight.bias[4] = 100  # the middle tap of 3 x 3 alone
    frame = torch.rand(1, 3, 40, 50)
    assert torch.allclose(network(frame, frame), frame, atol=1e-6)


@pytest.mark.parametrize("config", KINDS, ids=NAMES)
def test_parts_fit_together(config):
    network = tiny_network(config)
    prediction = network.predict(*torch.rand(2, 1, 3, 30, 40))
    for maps in (prediction.maps0, prediction.maps1):
        assert {m.shape for m in maps} == {(1, 9, 30, 40)}
        assert torch.allclose(maps.weight.sum(1), torch.ones(1, 30, 40), atol=1e-5)
    assert (prediction.blend is None) == (config.blend is None)
    if prediction.blend is None:
        mixed = (
            prediction.occlusion * prediction.warp0 + (1 - prediction.occlusion) * prediction.warp1
        )
        assert torch.allclose(prediction.middle, mixed, atol=1e-6)


@pytest.mark.parametrize("config", KINDS, ids=NAMES)
def test_every_parameter_learns(config):
    network = tiny_network(config).train()
    for name, parameter in network.named_parameters():
        if name.endswith("bias") and not name.startswith("synthesis"):
            torch.nn.init.ones_(parameter)  # so that every ReLU is alive
    network(*torch.rand(2, 1, 3, 32, 32)).square().sum().backward()
    # The released backward left the 1 x 1 projections without a gradient; ours may not.
    assert [
        n
        for n, p in network.named_parameters()
        if p.grad is None or (p.numel() > 1 and not p.grad.any())
    ] == []


def test_padding_reflects_and_then_repeats():
    padded = pad_to_multiple(torch.arange(3.0).view(1, 1, 1, 3).expand(1, 3, 1, 3))
    assert padded.shape == (1, 3, 32, 32)
    assert padded[0, 0, 0, :6].tolist() == [0, 1, 2, 1, 0, 0]


@pytest.mark.parametrize("config", COMPILED)
@pytest.mark.long
def test_the_network_compiles_in_one_graph(config):
    network = tiny_network(config)
    frames = torch.rand(2, 1, 3, 32, 64)
    compiled = torch.compile(network, fullgraph=True, backend="aot_eager")
    with torch.inference_mode():
        assert torch.allclose(compiled(*frames), network(*frames), atol=1e-5)


@pytest.mark.parametrize("config", COMPILED)
@pytest.mark.long
def test_the_network_exports_with_height_and_width_left_open(config):
    network = tiny_network(config)
    height, width = (
        torch.export.Dim("height", min=2, max=64),
        torch.export.Dim("width", min=2, max=64),
    )
    shape = {2: 32 * height, 3: 32 * width}
    exported = torch.export.export(
        network, tuple(torch.rand(2, 1, 3, 64, 96)), dynamic_shapes=(shape, shape)
    )
    frames = torch.rand(2, 1, 3, 96, 64)
    with torch.inference_mode():
        assert torch.allclose(exported.module()(*frames), network(*frames), atol=1e-5)

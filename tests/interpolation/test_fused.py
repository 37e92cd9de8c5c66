"""The fused copy for a GPU: it computes the same frames, with channels padded to full vectors."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from cdfi.interpolation.fused import CHANNEL_MULTIPLE, fuse_for_gpu
from cdfi.interpolation.strips import middle_by_strips
from cdfi.models import NETWORKS, Config, Network


def _odd(config: Config) -> Config:
    """Small widths that are no multiples of 8."""
    return replace(
        config,
        encoder=((3, 5, 7), (6, 9, 11), (8, 5, 12), (5, 6, 7), (4, 5, 9)),
        decoder=((9, 5, 6), (7, 6, 5), (5, 7, 9), (6, 5, 7)),
        grid=(6, 7, 9) if config.grid else (),
    )


def _frames() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    return torch.rand(2, 3, 70, 90), torch.rand(2, 3, 70, 90)


@pytest.mark.parametrize("name", ["compressed-adacof", "cdfi", "aligned-adacof"])
@pytest.mark.parametrize("chunk", [512, 32])
@pytest.mark.long
def test_a_fused_network_computes_the_same_frames(name: str, chunk: int) -> None:
    torch.manual_seed(1)
    network = Network(_odd(NETWORKS[name])).eval()
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.normal_(layer.weight, std=0.2)
            nn.init.normal_(layer.bias, std=0.2)
    frames = [frame.double() for frame in _frames()]
    copy = fuse_for_gpu(network, torch.float64).double()
    with torch.inference_mode():
        expected = middle_by_strips(network.double(), *frames, chunk, 16)
        found = middle_by_strips(copy, *frames, chunk, 16)
    differences = (found - expected).abs().flatten() / expected.std()
    if name != "aligned-adacof":
        assert differences.max() < 1e-9
    else:  # registration is in float32 and decides place by place: in noise the last bits may
        assert differences.quantile(0.98) < 1e-3


def test_the_inner_convolutions_have_padded_channels() -> None:
    network = Network(NETWORKS["compressed-adacof"])
    convs = [m for m in fuse_for_gpu(network, torch.float32).modules() if isinstance(m, nn.Conv2d)]
    ins = [conv.weight.shape[1] for conv in convs]
    assert all(len(conv.weight) % CHANNEL_MULTIPLE == 0 for conv in convs)
    assert sorted(width for width in ins if width % CHANNEL_MULTIPLE) == [6]  # the frames


def test_the_original_network_is_not_changed() -> None:
    network = Network(NETWORKS["cdfi"])
    before = {key: value.clone() for key, value in network.state_dict().items()}
    assert (
        fuse_for_gpu(network, torch.bfloat16).heads["weight0"].last.weight.dtype == torch.bfloat16
    )
    after = network.state_dict()
    assert all(torch.equal(after[key], value) for key, value in before.items())
    assert network.training and all(p.requires_grad for p in network.parameters())

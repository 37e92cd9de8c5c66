"""The flow network: any size, any instant, and the motion it is built on."""

import pytest
import torch
from torch import Tensor

from cdfi.models import flow_layers
from cdfi.models.flow_config import FLOW_NETWORKS, FlowConfig
from cdfi.models.flow_layers import split_motion
from cdfi.models.flow_network import FlowNetwork
from tests.tiny import TINY_FLOW as TINY


@pytest.fixture
def network() -> FlowNetwork:
    torch.manual_seed(0)
    return FlowNetwork(TINY).eval()


def _frames(height: int, width: int, count: int = 1) -> tuple[Tensor, Tensor]:
    torch.manual_seed(1)
    frame0, frame1 = torch.rand(2, count, 3, height, width)
    return frame0, frame1


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (33, 20), (70, 130)])
def test_any_size_gives_a_frame_of_that_size(network: FlowNetwork, size: tuple[int, int]) -> None:
    result = network(*_frames(*size), 0.3)
    assert result.shape == (1, 3, *size) and torch.isfinite(result).all()


def test_levels_follow_the_size_of_the_frame(network: FlowNetwork) -> None:
    sizes = [(8, 8), (63, 400), (64, 64), (128, 500), (480, 640), (1080, 1920), (4320, 7680)]
    assert [network.level_count(*size) for size in sizes] == [1, 1, 2, 3, 4, 6, 6]


def test_instants_of_one_gap_equal_separate_calls(network: FlowNetwork) -> None:
    frames = _frames(40, 52)
    gap = network.prepare(*frames)
    for t in (0.2, 0.5, 0.9):
        assert torch.equal(network.between(gap, t), network(*frames, t))


def test_a_batch_of_instants_equals_single_ones(network: FlowNetwork) -> None:
    frames = _frames(40, 36, count=2)
    together = network(*frames, torch.tensor([0.25, 0.75]).view(2, 1, 1, 1))
    for i, t in enumerate((0.25, 0.75)):
        single = network(frames[0][i : i + 1], frames[1][i : i + 1], t)
        torch.testing.assert_close(together[i : i + 1], single, atol=1e-5, rtol=1e-5)


def test_a_tensor_without_dimensions_is_an_instant(network: FlowNetwork) -> None:
    frames = _frames(16, 16)
    assert torch.equal(network(*frames, torch.tensor(0.25)), network(*frames, 0.25))


@pytest.mark.parametrize("t", [0.0, 1.0, -0.5, float("nan")])
def test_instants_outside_the_gap_are_refused(network: FlowNetwork, t: float) -> None:
    with pytest.raises(ValueError, match="0 < t < 1"):
        network(*_frames(8, 8), t)


def test_split_motion_points_to_both_frames() -> None:
    motion = torch.tensor([8.0, 4.0, 1.0, 0.0]).view(1, 4, 1, 1)
    flow0, flow1 = split_motion(motion, torch.full((1, 1, 1, 1), 0.25))
    assert flow0.flatten().tolist() == [-1.0, -1.0]
    assert flow1.flatten().tolist() == [7.0, 3.0]


def test_every_parameter_gets_a_gradient(network: FlowNetwork) -> None:
    prediction = network.train().predict(network.prepare(*_frames(70, 66)), 0.4)
    total = prediction.middle.square().mean() + prediction.flow0.square().mean()
    total.backward()
    missing = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert missing == []


def test_prediction_has_a_motion_for_every_level(network: FlowNetwork) -> None:
    prediction = network.predict(network.prepare(*_frames(130, 140)), 0.5)
    assert [tuple(m.shape[2:]) for m in prediction.motions] == [(9, 9), (18, 18), (36, 36)]
    assert prediction.flow0.shape == (1, 2, 130, 140)
    assert prediction.warp1.shape == (1, 3, 130, 140)


@pytest.mark.parametrize("pixels", [2_000, 6_000])
def test_strips_equal_the_whole_frame(
    network: FlowNetwork, pixels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = _frames(150, 100)
    with torch.no_grad():
        whole = network(*frames, 0.4)
        monkeypatch.setattr(flow_layers, "STRIP", pixels)
        strips = network(*frames, 0.4)
    torch.testing.assert_close(strips, whole, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("config", [TINY, *FLOW_NETWORKS.values()])
def test_config_survives_json(config: FlowConfig) -> None:
    assert FlowConfig.from_json(config.to_json()) == config


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"family": "flow", "depth": 3}', "depth"),
        ('{"family": "flow", "width": 0}', "at least 1"),
        ('{"family": "flow", "width": 1e9}', "width"),
        ('{"family": "flow", "fine": [1, 2, 3]}', "two fine"),
        ('{"family": "flow", "fine": 3}', "fine"),
        ("[]", "object"),
        ("{", "JSON"),
    ],
)
def test_wrong_configs_are_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FlowConfig.from_json(text)


@pytest.mark.parametrize("size", [(96, 130), (70, 200), (20, 20)])
def test_motion_is_estimated_at_a_smaller_size(network: FlowNetwork, size: tuple[int, int]) -> None:
    frames = _frames(*size)
    whole = network.predict(network.prepare(*frames), 0.4)
    network.halvings = 1
    gap = network.prepare(*frames)
    smaller = network.predict(gap, 0.4)
    assert smaller.middle.shape == whole.middle.shape
    assert torch.allclose(network.between(gap, 0.4), smaller.middle, atol=1e-6)
    last, before = smaller.motions[-1].shape[2:], whole.motions[-1].shape[2:]
    expected = [n // 2 for n in before] if min(size) >= 64 else list(before)
    assert [*last] == expected


def test_a_smaller_size_gives_the_motion_of_the_smaller_frames(network: FlowNetwork) -> None:
    frames = _frames(128, 192)
    small = [torch.nn.functional.avg_pool2d(frame, 2) for frame in frames]
    wanted = network.predict(network.prepare(*small), 0.4).motions
    network.halvings = 1
    found = network.predict(network.prepare(*frames), 0.4).motions
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted):
        torch.testing.assert_close(one, other)


def test_only_very_large_frames_are_halved_by_default(network: FlowNetwork) -> None:
    network.halvings = None
    sizes = [(1080, 1920), (1440, 2560), (2160, 3840), (4320, 7680)]
    assert [network.halvings_of(*size) for size in sizes] == [0, 0, 1, 2]

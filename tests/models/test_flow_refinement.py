"""Networks with flow refinement: their flow, initialisation and derived widths."""

from dataclasses import replace

import pytest
import torch

from cdfi.design.architecture import compact
from cdfi.models import Config, Network
from cdfi.models.flow_refinement import Refined, Refinement
from cdfi.ops import adacof, detail_bands
from cdfi.ops.refine_flow.reference import upsample_flow
from cdfi.training.build import initialise
from cdfi.training.losses.flow import expected_flow
from cdfi.training.warm_start import copy_overlap
from tests.tiny import TINY, TINY_DETAILED, TINY_REFINED, tiny_network


def pair(rows=2, columns=-3, size=(64, 96)):
    """Two frames of a smooth scene that moves by integer pixels per half step, and their middle."""
    torch.manual_seed(0)
    blobs = torch.rand(1, 3, size[0] // 16 + 3, size[1] // 16 + 3)
    plane = torch.nn.functional.interpolate(
        blobs, scale_factor=16, mode="bicubic", align_corners=True
    )

    def seen(down, right):
        return plane[..., 20 + down : 20 + down + size[0], 20 + right : 20 + right + size[1]]

    return seen(-rows, -columns), seen(0, 0), seen(rows, columns)


def test_an_untrained_network_follows_motion():
    frame0, middle, frame1 = pair()
    config = replace(TINY_REFINED, refine=3)
    torch.manual_seed(0)
    parts = initialise(Network(config)).eval().predict(frame0, frame1)
    flow = expected_flow(parts.maps0, config.dilation)[..., 16:-16, 16:-16]
    expected = torch.tensor([2.0, -3.0]).view(1, 2, 1, 1)
    assert (flow - expected).abs().median() < 0.1

    def wrong(frame):
        return (frame - middle)[..., 16:-16, 16:-16].abs().mean()

    assert wrong(parts.middle) < 0.5 * wrong((frame0 + frame1) / 2)


def test_no_layer_is_registered_twice():
    network = tiny_network(replace(TINY_DETAILED, flow=(4, 4), compare=(4, 4)))
    modules = list(network.named_modules(remove_duplicate=False))
    assert len(modules) == len(set(map(id, (module for _, module in modules))))


def test_offsets_are_relative_to_the_flow():
    network = tiny_network(TINY_REFINED)
    frames = torch.rand(2, 1, 3, 64, 64)
    with torch.no_grad():
        coarse = network.decode(network.encode(*frames))
        coarse, flow, _ = network.refine(coarse, *frames)
        plain, shifted = network.maps(coarse, 1, None), network.maps(coarse, 1, flow)
    assert torch.equal(plain.weight, shifted.weight)
    assert torch.allclose(shifted.offset_y - plain.offset_y, flow[:, 2, None].expand(1, 9, 64, 64))
    assert torch.allclose(shifted.offset_x - plain.offset_x, flow[:, 3, None].expand(1, 9, 64, 64))


def test_an_upsampled_flow_is_in_pixels_of_the_new_size():
    columns = torch.arange(8.0).expand(1, 4, 6, 8)
    large = upsample_flow(columns)
    inner = torch.arange(1, 15)  # beyond the outermost pixel centres it is constant
    assert large.shape == (1, 4, 12, 16)
    assert torch.allclose(large[0, 0, 0, inner], 2 * (inner / 2 - 0.25))


def test_the_heads_read_the_difference_of_the_aligned_frames():
    torch.manual_seed(0)
    refinement = Refinement(5, (4,), (6,), 2)
    coarse = torch.rand(1, 5, 16, 16)
    frames = torch.rand(2, 1, 3, 32, 32)
    same = refinement(coarse, *frames).decoded
    other = refinement(coarse, frames[0], frames[1] * 0.5).decoded
    assert not torch.equal(same, other)
    torch.nn.init.zeros_(refinement.compare[-1].weight)
    torch.nn.init.zeros_(refinement.compare[-1].bias)
    assert torch.equal(refinement(coarse, *frames).decoded, coarse)


def test_its_layers_are_derived_with_everything_else():
    network = tiny_network(replace(TINY_REFINED, flow=(8,), compare=(8, 6)))
    densities = {"refinement.flow.0": 0.25, "refinement.compare.0": 0.25}
    small, row = compact(network, densities, "min")
    assert (row.config.flow, row.config.compare) == ((4,), (4, 6))
    assert row.config.refine == TINY_REFINED.refine
    assert small(*torch.rand(2, 1, 3, 40, 33)).shape == (1, 3, 40, 33)


@pytest.mark.long
def test_removing_zero_channels_keeps_the_output():
    network = tiny_network(replace(TINY_REFINED, flow=(8,), compare=(8, 6)))
    with torch.no_grad():
        for name in ("flow.0", "compare.0", "compare.2"):
            layer = network.refinement.get_submodule(name)
            layer.weight[::2] = 0
            layer.bias[::2] = 0
    names = ("flow.0", "flow.2", "compare.0", "compare.2")
    densities = {"upsample.3.0": 1.0, **{f"refinement.{name}": 0.25 for name in names}}
    small, row = compact(network, densities, "max")
    assert (row.config.flow, row.config.compare) == ((4,), (4, 3))
    frames = torch.rand(2, 1, 3, 64, 64)
    assert torch.allclose(small(*frames), network(*frames), atol=1e-4)


@pytest.mark.long
def test_the_head_of_details_is_derived_with_everything_else():
    network = tiny_network(replace(TINY_DETAILED, detail=(8, 8, 4)))
    small, row = compact(network, {"heads.detail.hidden.0": 0.25, "heads.detail.last": 0.25})
    assert row.config.detail == (4, 8, 2)
    assert small.heads["detail"].last.out_channels == 4
    assert small(*torch.rand(2, 1, 3, 40, 33)).shape == (1, 3, 40, 33)


def test_details_sharpen_samples_between_pixels():
    """An untrained network with a given flow samples along it by cubic convolution."""
    network = initialise(Network(TINY_DETAILED))
    with torch.no_grad():
        for side in (0, 1):
            network.heads[f"weight{side}"].last.weight.zero_()
            network.heads[f"weight{side}"].last.bias[4] = 100
    frame = torch.rand(1, 3, 32, 32)
    flow = torch.rand(1, 4, 32, 32) - 0.5
    network.refine = lambda coarse, *_: Refined(coarse, flow, flow)
    parts = network.predict(frame, frame)
    for side_flow, warp in zip(flow.chunk(2, 1), (parts.warp0, parts.warp1)):
        lost = detail_bands(network.bordered(frame), side_flow)[:, :3]
        sample = adacof(frame, torch.ones(1, 1, 32, 32), *side_flow.split(1, 1))
        inner = (..., slice(1, -1), slice(1, -1))
        assert torch.allclose(warp[inner], (sample + lost)[inner], atol=1e-5)
        assert lost.abs().mean() > 0.01


def test_overlapping_weights_are_copied_without_heads():
    old, new = Network(TINY), initialise(Network(TINY_REFINED))
    kept = {k: v for k, v in old.state_dict().items() if not k.startswith("heads.")}
    copy_overlap(new, kept, TINY)
    state = new.state_dict()
    assert all(torch.equal(state[name], value) for name, value in kept.items())
    assert not state["heads.alpha0.last.weight"].any()


@pytest.mark.parametrize(
    "change", [{"refine": 0}, {"flow": ()}, {"compare": ()}, {"refine": 6}, {"flow": (0,)}]
)
def test_a_config_has_all_fields_of_refinement_or_none(change):
    with pytest.raises(ValueError, match="expected a Config with"):
        replace(TINY_REFINED, **change)


def test_a_config_survives_json():
    assert Config.from_json(TINY_REFINED.to_json()) == TINY_REFINED

"""Synthetic scenes: exact motion, correct visibility, reproducible samples."""

from pathlib import Path

import pytest
import torch

from cdfi.data.augment import CHANGES, augment
from cdfi.data.photos import photo_cache
from cdfi.data.render import render
from cdfi.data.scenes import LAYERS, NUMBERS, draw_scene
from cdfi.data.synthetic import Synthetic
from tests.data.exact_motion import assert_flow_explains, requests, warped

SIDE = 32


@pytest.fixture
def source(photos: Path, tmp_path: Path) -> Synthetic:
    return Synthetic(photo_cache(photos, tmp_path / "cache", (64, 96)), SIDE, motion=6.0)


def test_following_the_flow_from_the_middle_finds_the_same_point(source: Synthetic) -> None:
    assert_flow_explains(source.samples(requests(24)))


def test_a_point_behind_a_shape_in_a_side_frame_is_not_visible_there(source: Synthetic) -> None:
    batch = source.samples(requests(24))
    unseen = 1 - batch.visible0
    error = (warped(batch.frame0, batch.flow0) - batch.middle).abs().mean(1, keepdim=True)
    assert 0 < unseen.mean() < 0.5
    assert (error * unseen).sum() / unseen.sum() > 3 * (error * batch.visible0).mean()


def test_a_sample_does_not_depend_on_the_rest_of_its_batch(source: Synthetic) -> None:
    together = source.samples(requests(6))
    alone = source.samples(requests(1, first=4))
    for many, one in zip(together, alone):
        torch.testing.assert_close(many[4:5], one, rtol=0, atol=1e-6)


def test_frames_lie_in_the_unit_range_and_flow_is_opposite_on_the_two_sides(
    source: Synthetic,
) -> None:
    batch = source.samples(requests(8))
    assert batch.middle.min() >= 0
    assert batch.middle.max() <= 1
    assert torch.equal(batch.flow0, -batch.flow1)


def test_translations_are_heavy_tailed_up_to_the_longest() -> None:
    scene = draw_scene(torch.rand(2000, LAYERS, NUMBERS), 64, 14.0)
    centre = torch.tensor([0.0, 0.0, 1.0])  # of the frame, where a background is only translated
    lengths = (scene.velocity[:, 0] @ centre).norm(dim=-1)
    assert lengths.max() <= 14.0 + 1e-4
    assert lengths.max() > 12
    assert lengths.median() < 3


def test_a_crop_larger_than_the_photos_is_refused(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="too small for a crop of 80"):
        Synthetic(photo_cache(photos, tmp_path, (64, 96)), 80)


@pytest.mark.gpu
def test_scenes_render_on_a_gpu_as_on_the_cpu(cuda: str) -> None:
    from cdfi.data.render import render

    numbers = torch.rand(4, LAYERS, NUMBERS)
    patches = torch.randint(0, 256, (4, LAYERS, 3, 64, 64), dtype=torch.uint8)
    on_cpu = render(draw_scene(numbers, SIDE), patches, SIDE)
    on_gpu = render(draw_scene(numbers.to(cuda), SIDE), patches.to(cuda), SIDE)
    torch.testing.assert_close(on_gpu.middle.cpu(), on_cpu.middle, rtol=0, atol=2e-2)


@pytest.mark.parametrize("t", [0.25, 0.5, 0.8])
def test_rendered_flow_leads_from_any_instant_to_both_frames(t: float) -> None:
    numbers = torch.rand(4, LAYERS, NUMBERS, generator=torch.Generator().manual_seed(3))
    patches = torch.rand(4, LAYERS, 3, 8, 8, generator=torch.Generator().manual_seed(4))
    smooth = torch.nn.functional.interpolate(patches.flatten(0, 1), size=(64, 64), mode="bicubic")
    patches = (smooth.clamp(0, 1) * 255).byte().view(4, LAYERS, 3, 64, 64)
    batch = render(draw_scene(numbers, 48, 6.0), patches, 48, torch.full((4, 1, 1, 1), t))
    assert torch.equal(batch.t, torch.full((4, 1, 1, 1), t))
    assert_flow_explains(batch)
    ratio = batch.flow0.norm() / batch.flow1.norm()
    assert float(ratio) == pytest.approx(t / (1 - t), rel=1e-4)


def test_a_reversed_sample_has_the_reversed_instant() -> None:
    numbers = torch.rand(2, LAYERS, NUMBERS)
    patches = torch.zeros(2, LAYERS, 3, 32, 32, dtype=torch.uint8)
    batch = render(draw_scene(numbers, 16, 4.0), patches, 16, torch.full((2, 1, 1, 1), 0.25))
    changes = torch.zeros(2, len(CHANGES))
    turned = augment(batch, changes, ("reverse",))
    assert torch.equal(turned.t, torch.full((2, 1, 1, 1), 0.75))
    assert torch.equal(turned.frame0, batch.frame1)
    assert torch.equal(turned.flow0, batch.flow1)

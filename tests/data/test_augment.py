"""Augmentations keep frames, motion and visibility together."""

from pathlib import Path

import pytest
import torch

from cdfi.data.augment import CHANGES, augment
from cdfi.data.batch import Batch
from cdfi.data.photos import photo_cache
from cdfi.data.synthetic import Synthetic
from tests.data.exact_motion import assert_flow_explains, requests


@pytest.fixture
def batch(photos: Path, tmp_path: Path) -> Batch:
    return Synthetic(photo_cache(photos, tmp_path / "cache", (64, 96)), 32, 6.0).samples(
        requests(16)
    )


DEGRADATIONS = ("noise", "compression")


@pytest.mark.parametrize("name", [name for name in CHANGES if name not in DEGRADATIONS])
def test_augmented_flow_points_at_the_same_point(name: str, batch: Batch) -> None:
    always = torch.full((16, len(CHANGES)), 0.3)
    changed = augment(batch, always, [name])
    assert not torch.equal(changed.frame0, batch.frame0)
    assert_flow_explains(changed)


def test_each_augmentation_changes_about_half_of_the_samples(batch: Batch) -> None:
    numbers = torch.linspace(0, 0.99, 16)[:, None].expand(16, len(CHANGES))
    changed = augment(batch, numbers, ["reverse"])
    same = (changed.frame0 == batch.frame0).flatten(1).all(1)
    assert same.sum() == 8


def test_no_names_change_nothing(batch: Batch) -> None:
    assert augment(batch, torch.rand(16, len(CHANGES)), []) is batch


def test_an_unknown_name_is_refused_with_the_known_ones(batch: Batch) -> None:
    with pytest.raises(ValueError, match=r"unknown augmentation 'blur'; known are horizontal"):
        augment(batch, torch.rand(16, len(CHANGES)), ["blur"])


def test_frames_that_are_not_square_are_not_rotated(batch: Batch) -> None:
    flat = Batch(*(field[:, :, :20] for field in batch[:-1]), batch.t)
    turned = augment(flat, torch.zeros(16, len(CHANGES)), ["rotate"])
    assert turned.middle.shape == flat.middle.shape


@pytest.mark.parametrize("name", DEGRADATIONS)
def test_degradations_change_the_inputs_alone(name: str, batch: Batch) -> None:
    changed = augment(batch, torch.full((16, len(CHANGES)), 0.3), [name])
    for inputs in ("frame0", "frame1"):
        assert not torch.equal(getattr(changed, inputs), getattr(batch, inputs))
    assert torch.equal(changed.middle, batch.middle)
    assert torch.equal(changed.flow0, batch.flow0)

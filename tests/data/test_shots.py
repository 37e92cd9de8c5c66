"""Triplets drawn from takes."""

from pathlib import Path

import numpy as np
import pytest
import torch

from cdfi.data.batch import SampleRequest
from cdfi.data.clips import Take
from cdfi.data.held_out import clip_triplets
from cdfi.data.shots import Shots, most_changing
from tests.media import sliding


def _take(folder: Path, source: str, count: int = 9) -> Take:
    frames = sliding(count)
    file = folder / f"{source}.npy"
    np.save(file, frames)
    return Take(file, source, *frames.shape[:3])


def test_the_middle_frame_lies_halfway_in_time(tmp_path: Path) -> None:
    shots = Shots([_take(tmp_path, "a")], crop=24)
    batch = shots.samples([SampleRequest(i, np.random.default_rng(i)) for i in range(12)])
    assert batch.middle.shape == (12, 3, 24, 24)
    for before, middle, after in zip(batch.frame0, batch.middle, batch.frame1):
        found = {
            2 * stride
            for stride in (1, 2, 3)
            if torch.allclose(before[..., 2 * stride :], middle[..., : -2 * stride], atol=0.02)
            and torch.allclose(middle[..., 2 * stride :], after[..., : -2 * stride], atol=0.02)
        }
        assert found or not torch.equal(before, middle)  # a shrunk one slides by a fraction


def test_videos_that_are_all_held_out_are_refused() -> None:
    with pytest.raises(ValueError, match="every video is held out for validation"):
        Shots([], 32)


def test_strides_of_one_to_three_all_occur(tmp_path: Path) -> None:
    shots = Shots([_take(tmp_path, "a")], crop=48)  # nothing can be shrunk
    batch = shots.samples([SampleRequest(i, np.random.default_rng(i)) for i in range(30)])
    slid = [
        next(s for s in (1, 2, 3) if torch.equal(before[..., 2 * s :], middle[..., : -2 * s]))
        for before, middle in zip(batch.frame0, batch.middle)
    ]
    assert set(slid) == {1, 2, 3}


def test_the_crop_that_changes_most_is_kept() -> None:
    frames = np.zeros((3, 40, 40, 3), np.uint8)
    frames[2, :20, :20] = 200
    picked = [most_changing(frames, 12, np.random.default_rng(i))[2].mean() for i in range(20)]
    anywhere = 200 * (20 / 40) ** 2
    assert np.mean(picked) > 1.5 * anywhere


def test_real_motion_is_unknown_and_never_seen(tmp_path: Path) -> None:
    batch = Shots([_take(tmp_path, "a")], crop=24).samples(
        [SampleRequest(0, np.random.default_rng(0))]
    )
    assert not batch.visible0.any()
    assert not batch.visible1.any()


def test_validation_triplets_come_from_held_out_takes_in_order_of_change(tmp_path: Path) -> None:
    names = [f"video {i}" for i in range(40)]
    takes = [_take(tmp_path, name) for name in names]
    held_out = [take for take in takes if take.held_out]
    triplets = clip_triplets(takes, count=5)
    assert triplets is not None
    assert held_out
    assert len(triplets) == min(5, 3 * len(held_out))
    change = [np.abs(t[0].astype(int) - t[2]).mean() for t in triplets]
    assert change == sorted(change)
    assert clip_triplets([take for take in takes if not take.held_out]) is None

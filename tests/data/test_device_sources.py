"""Training data on the device: what the batches contain, and that they never wait for it."""

from pathlib import Path

import numpy as np
import pytest
import torch

from cdfi.data.clips import Take
from cdfi.data.device_sources import DeviceScenes, DeviceShots, device_batches
from cdfi.data.photos import photo_cache
from tests.data.exact_motion import assert_flow_explains
from tests.media import sliding


def test_device_shots_are_three_frames_of_one_shot_in_order(tmp_path: Path) -> None:
    takes = []
    for i, shape in enumerate([(48, 64), (40, 50)]):
        frames = sliding(7, i, *shape)
        np.save(tmp_path / f"{i}.npy", frames)
        takes.append(Take(tmp_path / f"{i}.npy", str(i), *frames.shape[:3]))
    batch = DeviceShots(takes, 40, torch.device("cpu")).batch(16)
    for before, middle, after in zip(batch.frame0, batch.middle, batch.frame1):
        assert any(
            torch.equal(before[..., 2 * s :], middle[..., : -2 * s])
            and torch.equal(middle[..., 2 * s :], after[..., : -2 * s])
            for s in (1, 2, 3)
        )


def test_device_shots_need_a_take_of_the_size_of_the_crop(tmp_path: Path) -> None:
    frames = sliding(3, 0, 24, 24)
    np.save(tmp_path / "a.npy", frames)
    with pytest.raises(ValueError, match="no take is as large as the crop of 32 pixels"):
        DeviceShots([Take(tmp_path / "a.npy", "a", *frames.shape[:3])], 32, torch.device("cpu"))


def test_device_scenes_have_their_exact_motion(photos: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    cache = photo_cache(photos, tmp_path / "cache", (64, 96))
    batch = DeviceScenes(cache, 32, 6.0, torch.device("cpu")).batch(24)
    assert_flow_explains(batch)


@pytest.mark.gpu
def test_a_batch_on_the_device_never_waits_for_it(photos: Path, tmp_path: Path, cuda: str) -> None:
    device, frames = torch.device(cuda), sliding(7, 0, 48, 48)
    np.save(tmp_path / "a.npy", frames)
    shots = DeviceShots([Take(tmp_path / "a.npy", "a", *frames.shape[:3])], 32, device)
    cache = photo_cache(photos, tmp_path / "cache", (64, 96))
    batches = device_batches(DeviceScenes(cache, 32, 6.0, device), shots, 8, ("horizontal",))
    next(batches)  # fills caches
    torch.cuda.set_sync_debug_mode("error")
    try:
        next(batches)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_shots_at_any_instant_have_their_instant(tmp_path: Path) -> None:
    frames = np.arange(9, dtype=np.uint8)[:, None, None, None]
    np.save(tmp_path / "a.npy", np.broadcast_to(frames, (9, 40, 48, 3)))
    torch.manual_seed(0)
    takes = [Take(tmp_path / "a.npy", "a", 9, 40, 48)]
    batch = DeviceShots(takes, 32, torch.device("cpu"), any_instant=True).batch(64)
    first, middle, last = (x[:, 0, 0, 0] for x in (batch.frame0, batch.middle, batch.frame1))
    torch.testing.assert_close(batch.t.flatten(), (middle - first) / (last - first))
    assert len(set(batch.t.flatten().tolist())) > 3

"""The cache of still photos."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cdfi.data.photos import load_photo, photo_cache


def test_every_photo_becomes_a_landscape_of_one_size(photos: Path, tmp_path: Path) -> None:
    kept = np.load(photo_cache(photos, tmp_path / "cache", (64, 96)))
    assert kept.shape == (3, 64, 96, 3)
    assert kept.dtype == np.uint8


def test_an_upright_photo_is_rotated(tmp_path: Path) -> None:
    upright = np.zeros((96, 64, 3), np.uint8)
    upright[:48] = 255  # white above black
    Image.fromarray(upright).save(tmp_path / "a.png")
    lying = load_photo(tmp_path / "a.png", (64, 96))
    assert lying[:, :40].mean() > 250
    assert lying[:, 56:].mean() < 5


def test_a_photo_that_cannot_be_read_stops_a_small_folder(photos: Path, tmp_path: Path) -> None:
    (photos / "9.png").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"1 of 4 photos cannot be read.*9\.png"):
        photo_cache(photos, tmp_path / "cache", (64, 96))
    assert not list((tmp_path / "cache").iterdir())


def test_one_unreadable_photo_in_a_hundred_is_named_and_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(100):
        Image.new("RGB", (12, 8), (i, i, i)).save(folder / f"{i:03}.png")
    (folder / "050.png").write_bytes(b"nothing")
    with pytest.warns(UserWarning, match=r"050\.png"):
        kept = np.load(photo_cache(folder, tmp_path / "cache", (8, 12)))
    assert kept[:, 0, 0, 0].tolist() == [i for i in range(100) if i != 50]


def test_a_decompression_bomb_counts_as_unreadable(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(ValueError, match="cannot be read"):
        photo_cache(photos, tmp_path)


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no images"):
        photo_cache(tmp_path, tmp_path)

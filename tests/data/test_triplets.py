"""Folders of image triplets, Vimeo-90K's own layout first."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cdfi.data.batch import SampleRequest
from cdfi.data.held_out import split_triplets
from cdfi.data.triplets import Triplets, folder_triplets, vimeo_triplets
from tests.media import sliding


def _save(home: Path, seed: int = 0, side: int = 32) -> None:
    home.mkdir(parents=True, exist_ok=True)
    for i, frame in enumerate(sliding(3, seed, side, side)):
        Image.fromarray(frame).save(home / f"im{i + 1}.png")


def _requests(count: int) -> list[SampleRequest]:
    return [SampleRequest(i, np.random.default_rng(i)) for i in range(count)]


@pytest.mark.parametrize("ending", ["", "\n", "\r\n", "\n\n"])
def test_the_last_line_of_a_vimeo_list_is_read(tmp_path: Path, ending: str) -> None:
    (tmp_path / "tri_trainlist.txt").write_bytes(f"00001/0001\n00001/0002{ending}".encode())
    found = vimeo_triplets(tmp_path)
    assert [paths[0].parent.name for paths in found] == ["0001", "0002"]
    assert found[1][2] == tmp_path / "sequences" / "00001" / "0002" / "im3.png"


def test_a_folder_that_is_not_vimeo_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"tri_trainlist\.txt not found"):
        vimeo_triplets(tmp_path)
    (tmp_path / "tri_trainlist.txt").write_text("\n")
    with pytest.raises(ValueError, match="names no triplets"):
        vimeo_triplets(tmp_path)


def test_every_folder_of_exactly_three_images_is_a_triplet(tmp_path: Path) -> None:
    _save(tmp_path / "x" / "one")
    _save(tmp_path / "two")
    _save(tmp_path / "four")
    Image.new("RGB", (32, 32)).save(tmp_path / "four" / "im4.png")
    assert [paths[0].parent.name for paths in folder_triplets(tmp_path)] == ["two", "one"]


def test_images_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for name in ("10.png", "8.png", "9.png", "._9.png"):
        (tmp_path / name).touch()
    ((first, middle, last),) = folder_triplets(tmp_path)
    assert [path.stem for path in (first, middle, last)] == ["8", "9", "10"]


def test_a_folder_without_triplets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no folder of exactly three images"):
        folder_triplets(tmp_path)


def test_one_pass_shows_every_triplet_once_in_another_order_each_time(tmp_path: Path) -> None:
    for i in range(6):
        _save(tmp_path / str(i), seed=i)
    source = Triplets(folder_triplets(tmp_path), crop=0)
    means = source.samples(_requests(12)).middle.mean((1, 2, 3)).tolist()
    assert sorted(means[:6]) == sorted(means[6:])
    assert len(set(means[:6])) == 6
    assert means[:6] != means[6:]


def test_an_unreadable_triplet_is_named_and_replaced(tmp_path: Path) -> None:
    for i in range(101):
        _save(tmp_path / f"{i:03}")
    (tmp_path / "050" / "im2.png").write_bytes(b"nothing")
    source = Triplets(folder_triplets(tmp_path), crop=16)
    with pytest.warns(UserWarning, match=r"skipped \(1 so far\): .*im2\.png"):
        assert len(source.samples(_requests(101)).middle) == 101


def test_more_than_one_in_a_hundred_unreadable_stops(tmp_path: Path) -> None:
    for i in range(4):
        _save(tmp_path / str(i))
    (tmp_path / "2" / "im1.png").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"1 of 4 triplets cannot be read"):
        Triplets(folder_triplets(tmp_path), crop=16).samples(_requests(4))


def test_frames_smaller_than_the_crop_are_refused(tmp_path: Path) -> None:
    _save(tmp_path / "a")
    with pytest.raises(ValueError, match="32 x 32 is smaller than the crop of 64"):
        Triplets(folder_triplets(tmp_path), crop=64).samples(_requests(1))


def test_full_frames_of_different_sizes_need_a_crop(tmp_path: Path) -> None:
    _save(tmp_path / "a")
    _save(tmp_path / "b", side=48)
    with pytest.raises(ValueError, match="need a --crop"):
        Triplets(folder_triplets(tmp_path), crop=0).samples(_requests(2))


def test_a_triplet_of_different_sizes_is_named(tmp_path: Path) -> None:
    _save(tmp_path / "a")
    Image.new("RGB", (8, 8)).save(tmp_path / "a" / "im2.png")
    with pytest.raises(ValueError, match="different sizes"):
        Triplets(folder_triplets(tmp_path), crop=0).samples(_requests(1))


def test_training_and_validation_triplets_share_no_group(tmp_path: Path) -> None:
    lines = [f"{group:05}/{i:04}" for group in range(200) for i in range(3)]
    (tmp_path / "tri_trainlist.txt").write_text("\n".join(lines))
    training, validation = split_triplets(vimeo_triplets(tmp_path))
    groups = [{t[0].parent.parent.name for t in part} for part in (training, validation)]
    assert len(training) + len(validation) == 600
    assert validation
    assert not groups[0] & groups[1]


def test_no_triplets_for_training_are_refused() -> None:
    with pytest.raises(ValueError, match="every triplet is held out for validation"):
        Triplets([], crop=0)

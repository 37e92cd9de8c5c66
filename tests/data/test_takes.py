"""Videos are divided at cuts, and repeated frames are dropped."""

from pathlib import Path

import numpy as np
import pytest

from cdfi.data.clips import Take, cached_takes, is_held_out, sources
from cdfi.data.decode import _with_opencv, _with_pyav
from cdfi.data.shots import Shots
from cdfi.data.takes import takes
from tests.media import sliding, write_video


def test_a_cut_ends_a_take() -> None:
    found = list(takes([*sliding(5, seed=1), *(255 - sliding(6, seed=2) // 3)]))
    assert [len(take) for take in found] == [5, 6]


def test_repeated_frames_are_dropped() -> None:
    frames = np.repeat(sliding(5), 3, axis=0)
    (take,) = takes(frames)
    assert len(take) == 5


def test_a_change_of_size_ends_a_take() -> None:
    found = list(takes([*sliding(4), *sliding(4, height=32)]))
    assert [take.shape[1] for take in found] == [48, 32]


def test_runs_of_two_frames_are_not_takes() -> None:
    assert list(takes(sliding(2))) == []


def test_long_runs_are_divided() -> None:
    assert [len(take) for take in takes(sliding(10), longest=5)] == [5, 5]


def test_real_shots_have_no_cut_inside(data: Path, tmp_path: Path) -> None:
    for name in ("bikes_street_00060", "ball_juggle_00045", "cats_playing_00125"):
        (take,) = takes(_with_pyav(data / "train" / "clips" / f"{name}.mp4", 96))
        assert len(take) >= 13


def test_a_folder_of_videos_is_decoded_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_video(tmp_path / "videos" / "a.mp4", sliding(5))
    first = cached_takes(tmp_path / "videos", tmp_path / "cache")
    monkeypatch.setattr("cdfi.data.clips.decode", None)
    assert cached_takes(tmp_path / "videos", tmp_path / "cache") == first
    assert first[0].pixels().shape == (5, 48, 64, 3)


def test_a_name_with_a_colon_is_decoded(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.mp4", sliding(3)).rename(tmp_path / "shot:1 %03d.mp4")
    assert len(list(_with_pyav(clip, None))) == 3


def test_opencv_reads_what_pyav_reads(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", sliding(4))
    ours, theirs = np.stack([*_with_pyav(path, 32)]), np.stack([*_with_opencv(path, 32)])
    assert ours.shape == theirs.shape == (4, 32, 42, 3)
    assert np.abs(ours.mean(-1) - theirs.mean(-1)).mean() < 4  # chroma is upsampled differently


def test_shots_of_one_source_video_are_all_held_out_or_none(data: Path) -> None:
    folder = data / "train" / "clips"
    by_file = sources(folder)
    assert len(by_file) == 579
    held_out = {source for source in by_file.values() if is_held_out(source)}
    assert len(held_out) == 4
    fraction = sum(source in held_out for source in by_file.values()) / len(by_file)
    assert 0.05 < fraction < 0.1


def test_an_empty_folder_and_a_missing_one_have_different_errors(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no videos"):
        cached_takes(tmp_path, tmp_path)
    with pytest.raises(ValueError, match="is not a folder"):
        cached_takes(tmp_path / "absent", tmp_path)


def test_more_than_one_unreadable_video_in_a_hundred_stops_with_its_name(tmp_path: Path) -> None:
    write_video(tmp_path / "good.mp4", sliding(4))
    (tmp_path / "bad.mp4").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"1 of 2 videos cannot be read.*bad\.mp4"):
        cached_takes(tmp_path, tmp_path / "cache")


@pytest.mark.long
def test_one_unreadable_video_in_a_hundred_is_named_and_left_out(tmp_path: Path) -> None:
    good = write_video(tmp_path / "000.mp4", sliding(3))
    for i in range(1, 100):
        (tmp_path / f"{i:03}.mp4").write_bytes(good.read_bytes())
    (tmp_path / "050.mp4").write_bytes(b"nothing")
    with pytest.warns(UserWarning, match=r"unreadable video: .*050\.mp4"):
        assert len(cached_takes(tmp_path, tmp_path / "cache")) == 99


def test_takes_smaller_than_the_crop_are_refused_with_their_sizes(tmp_path: Path) -> None:
    take = Take(tmp_path / "a.npy", "a", 5, 48, 64)
    with pytest.raises(ValueError, match=r"crop of 64 pixels; takes have .*\(48, 64\)"):
        Shots([take], crop=64)


def test_a_damaged_index_of_the_cache_is_written_again(tmp_path: Path) -> None:
    write_video(tmp_path / "videos" / "a.mp4", sliding(5))
    first = cached_takes(tmp_path / "videos", tmp_path / "cache")
    (index,) = (tmp_path / "cache").rglob("takes.json")
    for text in ("", "[[1, 2", "{}x", '{"a": 1}', "[1]"):
        index.write_text(text)
        assert cached_takes(tmp_path / "videos", tmp_path / "cache") == first


def test_damaged_frames_of_the_cache_are_named(tmp_path: Path) -> None:
    (tmp_path / "0.npy").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"0\.npy is damaged.*delete it"):
        Take(tmp_path / "0.npy", "a", 3, 8, 8).pixels()


def test_a_table_of_sources_without_its_columns_is_named(tmp_path: Path) -> None:
    (tmp_path / "CLIPS.tsv").write_text("name\torigin\na.mp4\tb\n")
    with pytest.raises(ValueError, match=r"CLIPS\.tsv must have the columns file"):
        sources(tmp_path)

"""The files of each data set, and the errors if they are missing."""

from pathlib import Path

import numpy as np
import pytest

from cdfi.evaluation.data.datasets import (
    DATASETS,
    centre,
    data_folder,
    find_dataset,
    halved,
    present,
)
from cdfi.evaluation.data.layouts import TripletFrames, Unreadable
from tests.evaluation.small_sets import NAMES, noise, save, triplet_set
from tests.media import sliding, write_video


@pytest.mark.parametrize("name", ["middlebury", "ucf101-dvf"])
def test_the_published_sets_are_complete(data: Path, name: str) -> None:
    dataset = find_dataset(name, data)
    dataset.check()
    assert len(dataset.triplets()) == DATASETS[name].size


def test_a_missing_set_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"Middlebury is not in .*: get it with: cdfi datasets dow"
    ):
        find_dataset("middlebury", tmp_path).check()


def test_an_incomplete_set_names_what_is_missing(tmp_path: Path) -> None:
    save(tmp_path / "ucf101_dvf" / "1" / "frame_00.png", noise(0))
    with pytest.raises(ValueError, match=r"379 of 379 triplets lack files, first .*1/frame_01_gt"):
        find_dataset("ucf101-dvf", tmp_path).check()


def test_a_missing_ground_truth_is_named(tmp_path: Path) -> None:
    (triplet_set(tmp_path) / "2" / "im2.png").unlink()
    with pytest.raises(ValueError, match=r"1 of 3 triplets lack files, first .*2/im2\.png"):
        find_dataset(str(tmp_path)).check()


def test_a_folder_of_another_layout_says_what_was_expected(tmp_path: Path) -> None:
    save(tmp_path / "frame_a.png", noise(0))
    with pytest.raises(ValueError, match=r"no triplet found; expected folders that hold im1\.png"):
        find_dataset(str(tmp_path)).check()


def test_a_folder_of_triplets_may_name_its_files(tmp_path: Path) -> None:
    names = ("a.png", "truth.png", "b.png")
    dataset = find_dataset(str(triplet_set(tmp_path, 12, names)), names=names)
    assert [triplet.name for triplet in dataset.triplets()] == [str(n) for n in range(1, 13)]


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no data set is called sintel.*middlebury, ucf101-dvf"):
        find_dataset("sintel")


def test_the_vimeo_list_says_which_triplets_count(tmp_path: Path) -> None:
    root = tmp_path / "vimeo_triplet"
    triplet_set(root / "sequences" / "00001")
    (root / "tri_testlist.txt").write_text("00001/1\n00001/3\n\n")
    dataset = find_dataset("vimeo-90k", tmp_path)
    dataset.check()
    assert [triplet.name for triplet in dataset.triplets()] == ["00001/1", "00001/3"]


def test_a_missing_list_is_named(tmp_path: Path) -> None:
    (tmp_path / "vimeo_triplet").mkdir()
    with pytest.raises(ValueError, match=r"tri_testlist\.txt: the list of this data set is missin"):
        find_dataset("vimeo-90k", tmp_path).check()


def test_snu_film_paths_count_from_the_folder_test(tmp_path: Path) -> None:
    root = tmp_path / "snu_film"
    triplet_set(root / "test" / "GOPRO_test", 1)
    words = " ".join(f"data/SNU-FILM/test/GOPRO_test/1/{name}" for name in NAMES)
    (root / "eval_modes").mkdir()
    (root / "eval_modes" / "test-hard.txt").write_text(words + "\n")
    dataset = find_dataset("snu-film-hard", tmp_path)
    dataset.check()
    assert [triplet.name for triplet in dataset.triplets()] == ["GOPRO_test/1/im2"]


def test_a_malformed_snu_film_line_is_shown(tmp_path: Path) -> None:
    save(tmp_path / "snu_film" / "x.png", noise(0))
    (tmp_path / "snu_film" / "test-easy.txt").write_text("one two\n")
    with pytest.raises(ValueError, match=r"test-easy\.txt: expected three paths .* got: one two"):
        find_dataset("snu-film-easy", tmp_path).triplets()


def test_xiph_predicts_even_frames_from_their_neighbours(tmp_path: Path) -> None:
    (tmp_path / "xiph").mkdir()
    triplets = find_dataset("xiph-2k", tmp_path).triplets()
    assert len(triplets) == 392
    assert triplets[0].name == "BoxingPractice/002"
    assert [file.name[-7:] for file in triplets[48].files] == ["097.png", "098.png", "099.png"]


def test_xiph_2k_averages_2_x_2_pixels() -> None:
    image = noise(0, 6, 8)
    blocks = image.reshape(3, 2, 4, 2, 3).astype(float).mean(axis=(1, 3))
    np.testing.assert_array_equal(halved(image), np.floor(blocks + 0.5))


def test_xiph_4k_is_the_middle_of_the_frame() -> None:
    image = noise(0, 2160 // 8, 4096 // 8)
    np.testing.assert_array_equal(centre(image), image[67:-67, 128:-128])


def test_images_of_different_sizes_in_a_triplet_are_named(tmp_path: Path) -> None:
    save(triplet_set(tmp_path, 1) / "1" / "im3.png", noise(0, 24, 40))
    (item,) = find_dataset(str(tmp_path)).read()
    assert isinstance(item, Unreadable)
    assert "im3.png: 40 x 24 pixels, but im1.png has 32 x 24" in item.reason


def test_every_second_frame_of_a_video_is_held_back(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    levels = [10, 50, 90, 130, 170, 210]
    with av.open(str(tmp_path / "clip.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 24, "yuv444p"
        for level in levels:
            pixels = np.full((24, 32, 3), level, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    items = list(find_dataset(str(tmp_path / "clip.mkv")).read())
    found = [
        (item.name, *(round(float(p.mean())) for p in (item.frame0, item.truth, item.frame1)))
        for item in items
        if isinstance(item, TripletFrames)
    ]
    assert [row[0] for row in found] == ["000001", "000003"]
    np.testing.assert_allclose([row[1:] for row in found], [levels[:3], levels[2:5]], atol=1)


def test_damage_in_a_video_is_reported(tmp_path: Path) -> None:
    source = write_video(tmp_path / "clip.mp4", sliding(30))
    content = bytearray(source.read_bytes())
    start = content.index(b"mdat") + 1500
    content[start : start + 200] = bytes(200)
    source.write_bytes(content)
    items = list(find_dataset(str(source)).read())
    reasons = [item.reason for item in items if isinstance(item, Unreadable)]
    assert reasons
    assert all("clip.mp4: " in reason and "damaged frames" in reason for reason in reasons)
    assert any(isinstance(item, TripletFrames) for item in items)


def test_a_file_that_is_no_video_is_named(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_text("text")
    with pytest.raises(ValueError, match=r"clip\.mp4"):
        find_dataset(str(tmp_path / "clip.mp4")).check()


def test_the_data_folder_is_the_chosen_one_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CDFI_DATA", str(tmp_path / "a"))
    assert data_folder() == tmp_path / "a"
    assert data_folder(tmp_path / "b") == tmp_path / "b"
    monkeypatch.delenv("CDFI_DATA")
    monkeypatch.setenv("CDFI_CACHE", str(tmp_path / "c"))
    assert data_folder() == tmp_path / "c" / "datasets"


def test_the_list_counts_complete_triplets(tmp_path: Path) -> None:
    triplet_set(tmp_path / "vimeo_triplet" / "sequences" / "00001")
    (tmp_path / "vimeo_triplet" / "tri_testlist.txt").write_text("00001/1\n00001/9\n")
    assert {row.name: count for row, count in present(tmp_path)}["vimeo-90k"] == 1

"""What must not be interpolated: held parts, letterbox bars, repeated frames."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cdfi.cli.main import main
from cdfi.common.image_numbers import is_sequence
from cdfi.video import Encoding, Options, interpolate_video
from cdfi.video.jobs.hold import held_fingerprint, hold_mask
from cdfi.video.options import options_from_json
from cdfi.video.pixels.bars import black_bars
from cdfi.video.pixels.formats import read_components
from cdfi.video.reading.source import read_source
from cdfi.video.writing.codecs import is_pattern
from tests.video.case_files import CASES
from tests.video.video_clips import (
    Clip,
    Mean,
    images_of,
    picture,
    samples_of,
    times_of,
    write_clip,
)

LOSSLESS = Encoding(codec="ffv1")


class Noise(Mean):
    """Returns noise: whatever is right in the result was not interpolated."""

    fingerprint, takes_time = "noise", True

    def between(self, frame0, frame1, times, tolerance, /):
        generator = torch.Generator().manual_seed(0)
        return (torch.rand(frame0.shape, generator=generator) for _ in times)


def run(source, target, **settings):
    options = Options(encoding=LOSSLESS)
    return interpolate_video(source, target, options=options, model=Noise(), **settings)


@pytest.fixture
def source(tmp_path):
    return write_clip(tmp_path / "in.mkv", Clip(3, codec="ffv1", options={}, colour=(1, 1, 1, 1)))


def same(made, given, box):
    """Whether luma and chroma are equal in a box of even numbers."""
    left, top, right, bottom = box
    luma = np.array_equal(made[0][top:bottom, left:right], given[0][top:bottom, left:right])
    half = [np.s_[top // 2 : bottom // 2, left // 2 : right // 2]] * 2
    return luma and all(np.array_equal(m[h], g[h]) for m, g, h in zip(made[1:], given[1:], half))


def test_a_box_is_held_from_the_source_frame_nearest_in_time(tmp_path, source):
    run(source, tmp_path / "out.mkv", factor=4, hold=("8,4,24,16",))
    made, given = samples_of(tmp_path / "out.mkv"), samples_of(source)
    for place, number in ((0, 0), (1, 0), (2, 1), (3, 1), (4, 1), (5, 1), (6, 2)):
        # Chroma at the border of a box is mixed from both sides.
        assert same(made[place], given[number], (10, 6, 30, 18))
    assert not same(made[1], given[0], (40, 30, 60, 40))


def test_the_white_of_a_mask_is_held(tmp_path, source):
    mask = np.zeros((48, 64), np.uint8)
    mask[20:40, 30:60] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    run(source, tmp_path / "out.mkv", hold=(str(tmp_path / "mask.png"),))
    made, given = samples_of(tmp_path / "out.mkv"), samples_of(source)
    assert same(made[1], given[1], (32, 22, 58, 38))
    assert not same(made[1], given[1], (0, 0, 20, 10))


@pytest.mark.parametrize(
    ("held", "text"),
    [("64,0,4,4", "outside the 64 x 48"), ("1,2,3", "does not exist: hold expects an image")],
)
def test_parts_that_cannot_be_held_are_refused(tmp_path, source, held, text):
    with pytest.raises((ValueError, OSError), match=text):
        run(source, tmp_path / "out.mkv", hold=(held,))


def test_a_mask_of_another_size_is_refused(tmp_path, source):
    Image.new("L", (10, 10)).save(tmp_path / "mask.png")
    with pytest.raises(ValueError, match="expected a mask of the frames' size, 64 x 48"):
        run(source, tmp_path / "out.mkv", hold=(str(tmp_path / "mask.png"),))


def test_boxes_and_grey_masks_are_joined(tmp_path):
    Image.new("L", (64, 48), 51).save(tmp_path / "mask.png")
    source = read_source(write_clip(tmp_path / "in.mp4", Clip(1)))
    mask = hold_mask(("0,0,2,2", str(tmp_path / "mask.png")), source)
    assert mask[0, 1, 1] == 1
    assert mask[0, 3, 3] == pytest.approx(0.2)


def test_a_box_lies_where_it_is_seen_in_a_turned_video(tmp_path):
    """It is stored as 160 x 90 and shown as 90 x 160."""
    source = CASES / "rot90.mp4"
    run(source, tmp_path / "out.mkv", factor=2, hold=("6,20,40,60",))
    turned = [
        np.rot90(frame.to_ndarray(format="gray"), frame.rotation // 90)
        for frame in images_of(tmp_path / "out.mkv")[1:3]
    ]
    assert turned[0].shape == (160, 90)
    inside, outside = np.s_[24:76, 10:42], np.s_[84:136, 46:86]
    assert np.ptp(turned[0][inside].astype(int) - turned[1][inside]) <= 2  # chroma is rounded
    assert np.ptp(turned[0][outside].astype(int) - turned[1][outside]) > 100


def letterbox(number, clip):
    """A picture with ten black lines above and below, of the codes that cameras write."""
    image = picture(number, clip)
    for part, black in zip(read_components(image), (16, 128, 128)):
        lines = 10 * part.shape[0] // 48
        part[:lines], part[-lines:] = black, black
    return image


def test_letterbox_bars_stay_exact(tmp_path):
    clip = Clip(2, codec="ffv1", options={}, colour=(1, 1, 1, 1))
    source = write_clip(tmp_path / "in.mkv", clip, [letterbox(number, clip) for number in range(2)])
    run(source, tmp_path / "out.mkv")
    middle = samples_of(tmp_path / "out.mkv")[1]
    assert set(np.unique(middle[0][:10])) == set(np.unique(middle[0][-10:])) == {16}
    assert set(np.unique(middle[1][:4])) == {128}
    assert len(np.unique(middle[0][10:38])) > 100


def test_bars_are_interpolated_if_they_are_not_to_be_kept(tmp_path, monkeypatch):
    clip = Clip(2, codec="ffv1", options={}, colour=(1, 1, 1, 1))
    source = write_clip(tmp_path / "in.mkv", clip, [letterbox(number, clip) for number in range(2)])
    monkeypatch.setattr("cdfi.video.jobs.model.ModelSpec.build", lambda self: Noise())
    words = [source, "-o", tmp_path / "out.mkv", "--no-black-bars", "--codec", "ffv1"]
    assert main(["interpolate", *map(str, words)]) == 0
    assert len(np.unique(samples_of(tmp_path / "out.mkv")[1][0][:10])) > 10


def test_only_a_job_that_does_not_keep_bars_says_so():
    assert "black_bars" not in Options().as_json()
    options = Options(black_bars=False)
    assert options_from_json(options.as_json()) == options
    assert options_from_json(Options().as_json()) == Options()


@pytest.mark.parametrize(("words", "kept"), [((), True), (("--no-black-bars",), False)])
def test_images_keep_their_bars_and_held_boxes(tmp_path, monkeypatch, words, kept):
    monkeypatch.setattr("cdfi.video.jobs.model.ModelSpec.build", lambda self: Noise())
    (tmp_path / "in").mkdir()
    pictures = np.full((2, 40, 60, 3), 90, np.uint8)
    pictures[:, :8] = 0
    pictures[1, 20:, 30:] = 200
    paths = [tmp_path / "in" / f"{number}.png" for number in range(2)]
    for path, pixels in zip(paths, pictures):
        Image.fromarray(pixels).save(path)
    hold = ("--hold", "30,20,30,20", *words)
    two = (*map(str, paths), "-o", str(tmp_path / "two.png"))
    assert main(["interpolate", *two, *hold]) == 0
    folder = (str(tmp_path / "in"), "-o", str(tmp_path / "out"))
    assert main(["interpolate", *folder, *hold]) == 0
    for path in (tmp_path / "two.png", tmp_path / "out" / "000001.png"):
        made = np.asarray(Image.open(path))
        assert (made[20:, 30:] == 200).all()
        assert (made[:8] == 0).all() == kept
        assert len(np.unique(made[10:18])) > 100


def test_bars_are_found_at_all_sides_and_in_both_pictures_only():
    rgb0, rgb1 = torch.full((2, 3, 20, 30), 0.5)
    rgb0[:, :4], rgb1[:, :3] = 0, 0
    rgb0[:, :, -2:], rgb1[:, :, -5:] = 0, 0
    mask = black_bars(rgb0, rgb1)
    wanted = torch.zeros(1, 20, 30)
    wanted[:, :3], wanted[:, :, -2:] = 1, 1
    assert torch.equal(mask, wanted)
    assert black_bars(torch.zeros(3, 9, 9), torch.zeros(3, 9, 9)) is None
    assert black_bars(rgb0[:, 4:, :9], rgb1[:, 4:, :9]) is None


def test_sensitivity_decides_which_frames_count_as_repeated(tmp_path):
    clip = Clip(8, codec="ffv1", options={}, colour=(1, 1, 1, 1))
    images = []
    for number in range(8):
        image = picture(2 * (number // 2) * 4, clip)
        if number % 2:  # drawn again, with noise of up to four codes
            noise = torch.randint(0, 5, (48, 64), generator=torch.Generator().manual_seed(number))
            read_components(image)[0].add_(noise.to(torch.uint8))
        images.append(image)
    source = write_clip(tmp_path / "in.mkv", clip, images)
    found = {
        value: run(source, tmp_path / f"{value}.mkv", dedup_sensitivity=value, scene_threshold=None)
        for value in (0.05, 4.0)
    }
    counted = {
        value: report.counts.get("duplicates interpolated across", 0)
        for value, report in found.items()
    }
    assert counted[0.05] < counted[4.0] == 4 or counted[4.0] == 3
    assert counted[0.05] == 0
    assert len(times_of(tmp_path / "4.0.mkv")) == 15
    with pytest.raises(ValueError, match="sensitivity of dedup"):
        Options(dedup_sensitivity=0)


def test_the_command_takes_boxes_and_a_scale(tmp_path, source, capsys):
    words = ["--hold", "0,0,8,8", "--hold", "16,16,8,8", "--scale", "0.5", "--codec", "ffv1"]
    target = tmp_path / "out.mkv"
    assert main(["interpolate", str(source), "-o", str(target), "--model", "flow", *words]) == 0
    made, given = samples_of(target)[1], samples_of(source)[1]
    assert same(made, given, (2, 2, 6, 6))
    assert same(made, given, (18, 18, 22, 22))
    assert main(["interpolate", str(source), "--scale", "3"]) == 1
    assert "expected a scale of 1, 0.5, 0.25, 0.125, auto" in capsys.readouterr().err


def test_a_box_may_be_written_with_spaces_and_gives_the_same_fingerprint():
    assert held_fingerprint(["1, 2, 3, 4"]) == ["1, 2, 3, 4"]


@pytest.mark.parametrize("pattern", ["a.%0999d.png", f"a.%0{'9' * 50}d.png"])
def test_a_number_of_hundreds_of_digits_is_no_pattern(pattern):
    assert not is_pattern(Path(pattern))
    assert not is_sequence(Path(pattern))

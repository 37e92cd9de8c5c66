"""Cuts, flashes and repeats in synthetic frames."""

from fractions import Fraction

import numpy as np
import pytest
from av.video.frame import VideoFrame

from cdfi.video.timing.frame import SourceFrame
from cdfi.video.timing.scene_changes import LEAD, mark_scenes

RANDOM = np.random.RandomState(0)
SCENES = [
    RANDOM.randint(0, 80, (16, 64)).repeat(16, 0).repeat(16, 1) + 55 * level for level in range(4)
]


def view(scene, left, noise=0.0):
    """A window into a picture; coding noise is drawn anew for each."""
    window = SCENES[scene][:96, left : left + 128].astype(float)
    window = window + RANDOM.normal(0, noise, window.shape) if noise else window
    return np.clip(window, 0, 255).astype(np.uint8)


def marked(windows, **options):
    frames = []
    for number, window in enumerate(windows):
        image = VideoFrame.from_ndarray(window, "gray")
        image.pts, image.time_base = number, Fraction(1, 25)
        frames.append(SourceFrame(number, image))
    found = list(mark_scenes(iter(frames), options.pop("threshold", 10.0), **options))
    assert [frame.pts for frame in found] == list(range(len(windows)))
    cuts = [n for n, frame in enumerate(found) if frame.is_cut]
    return cuts, [n for n, frame in enumerate(found) if frame.is_repeat]


def pan(scene, count, step=2, start=0, noise=0.0):
    return [view(scene, start + step * number, noise) for number in range(count)]


def test_a_cut_between_scenes_is_found():
    assert marked(pan(0, 8) + pan(1, 8))[0] == [8]


def test_a_flash_is_cut_on_both_sides():
    white = np.full((96, 128), 250, np.uint8)
    windows = pan(0, 12)
    windows[4] = windows[9] = white
    assert marked(windows)[0] == [4, 5, 9, 10]


def test_scenes_of_one_frame_are_cut_on_both_sides():
    windows = [*pan(0, 6), view(1, 0), view(2, 0), *pan(3, 6)]
    assert marked(windows)[0] == [6, 7, 8]


def test_a_strobe_is_cut_at_every_change():
    white = np.full((96, 128), 250, np.uint8)
    windows = [view(0, n) if n % 2 else white for n in range(12)]
    assert marked(windows)[0] == list(range(1, 12))


def test_fast_motion_is_no_row_of_cuts():
    windows = pan(0, 4, 0) + pan(0, 12, 31, 0) + pan(0, 4, 0, 341)
    assert len(marked(windows)[0]) <= 1


def test_nothing_is_cut_without_a_threshold():
    assert marked(pan(0, 4) + pan(1, 4), threshold=None)[0] == []


@pytest.mark.parametrize("noise", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("hold", [2, 3])
def test_drawings_held_for_frames_are_repeats_whatever_the_noise(noise, hold):
    windows = [view(0, 6 * (n // hold), noise) for n in range(24)]
    repeats = [n for n in range(24) if n % hold]
    assert marked(windows, dedup=True)[1] == repeats


@pytest.mark.parametrize("noise", [0.0, 2.0])
@pytest.mark.parametrize("step", [1, 2, 7])
def test_a_pan_has_no_repeats(noise, step):
    assert marked(pan(0, 24, step, noise=noise), dedup=True)[1] == []


def test_a_pan_that_slows_down_has_no_repeats():
    places = np.cumsum([40, 30, 20, 12, 8, 5, 3, 2, 1, 1, 1, 1])
    windows = [view(0, place, 1.0) for place in places]
    assert marked(windows, dedup=True)[1] == []


def test_noise_hides_repeats_only_without_dedup():
    windows = [view(0, 6 * (n // 2), 2.0) for n in range(12)]
    assert marked(windows)[1] == []


@pytest.mark.parametrize("start", [20, 25, 31])
def test_a_start_in_the_middle_decides_the_same(start):
    white = np.full((96, 128), 250, np.uint8)
    windows = [view(n // 15 % 4, 6 * (n // 2), 1.0) for n in range(48)]
    windows[29] = windows[33] = white
    whole = marked(windows, dedup=True)
    part = marked(windows[start - LEAD :], dedup=True)
    for all_of, some in zip(whole, part):
        later = [n for n in all_of if n >= start]
        assert later == [n + start - LEAD for n in some if n >= LEAD]

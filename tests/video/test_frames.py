"""Frames in, frames out, without files."""

from fractions import Fraction

import numpy as np
import pytest

import cdfi
from cdfi.video import Encoding, Options, interpolate_frames
from tests.tiny import tiny_network
from tests.video.video_clips import Clip, write_clip


@pytest.fixture(scope="module")
def interpolator():
    return cdfi.Interpolator(tiny_network(), device="cpu")


def frames(count):
    for number in range(count):
        yield Fraction(number * number, 30), np.full((16, 16, 3), number * 20, np.uint8)


def test_frames_come_back_with_exact_times(interpolator):
    made = list(interpolate_frames(frames(4), interpolator, factor=3))
    assert len(made) == 10
    assert [time for time, _ in made[3:7]] == [Fraction(n, 30) for n in (1, 2, 3, 4)]
    for (_, given), (_, kept) in zip(frames(4), made[::3]):
        np.testing.assert_array_equal(given, kept)


def test_frames_are_taken_as_they_are_needed(interpolator):
    taken = []

    def counted():
        for item in frames(100):
            taken.append(item[0])
            yield item

    made = interpolate_frames(counted(), interpolator)
    for _ in range(4):
        next(made)
    assert len(taken) <= 3


def test_times_that_do_not_ascend_are_refused(interpolator):
    images = [image for _, image in frames(2)]
    with pytest.raises(ValueError, match="times must ascend"):
        list(interpolate_frames(zip([Fraction(1), Fraction(1)], images), interpolator))


def test_a_video_is_interpolated_from_python(tmp_path, interpolator):
    source = write_clip(tmp_path / "in.mp4", Clip(4))
    report = cdfi.interpolate_video(
        source,
        tmp_path / "out.mp4",
        options=Options(encoding=Encoding(preset="ultrafast")),
        model=interpolator,
    )
    assert (report.frames, report.interpolated) == (7, 3)

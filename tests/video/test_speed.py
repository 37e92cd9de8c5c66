"""Slow motion by fractions, its sound, loops and motion blur."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from cdfi.video import Encoding, Options, estimate, interpolate_video
from cdfi.video.pixels.formats import read_components
from tests.video.video_clips import (
    Clip,
    Mean,
    images_of,
    packets_of,
    picture,
    samples_of,
    times_of,
    write_clip,
)

LOSSLESS = Encoding(codec="h264", preset="ultrafast", crf=0)


class Exact(Mean):
    """Mixes at any instant."""

    fingerprint, takes_time = "exact", True


def run(source, target, **settings):
    options = Options(encoding=LOSSLESS)
    return interpolate_video(source, target, options=options, model=Exact(), **settings)


def test_a_fraction_slows_down_at_the_rate_of_the_source(tmp_path):
    source = write_clip(tmp_path / "in.mp4", Clip(9))
    report = run(source, tmp_path / "out.mkv", slow="2.5")
    # Frame n is shown at 2.5 n / 25; a frame every 1/25 s, the last until its end.
    assert times_of(tmp_path / "out.mkv") == [Fraction(n, 25) for n in range(23)]
    given, made = samples_of(source), samples_of(tmp_path / "out.mkv")
    for number in range(0, 9, 2):
        np.testing.assert_array_equal(made[number * 5 // 2][0], given[number][0])
    assert report.frames - report.interpolated == 7  # 5 exact, and the tail repeats the last


def test_a_fraction_with_a_factor_gives_their_quotient_as_rate(tmp_path):
    source = write_clip(tmp_path / "in.mp4", Clip(5))
    run(source, tmp_path / "out.mp4", slow=2.5, factor=4)
    assert times_of(tmp_path / "out.mp4") == [Fraction(n, 40) for n in range(17)]


def test_slowed_sound_is_kept_by_default_and_dropped_if_requested(tmp_path):
    source = write_clip(tmp_path / "in.mp4", Clip(12, audio=True))
    run(source, tmp_path / "out.mp4", slow=2)
    sound = packets_of(tmp_path / "out.mp4", "audio")
    assert float(sound[-1][0]) == pytest.approx(0.96, abs=0.06)
    run(source, tmp_path / "silent.mp4", slow=2, audio="drop")
    assert not packets_of(tmp_path / "silent.mp4", "audio")


def test_a_rate_that_falls_is_named(tmp_path):
    source = write_clip(tmp_path / "in.mp4", Clip(5))
    plan = estimate(source, tmp_path / "out.mp4", model=Exact(), slow=4, factor=2)
    assert plan["rate"] == [25.0, 12.5]
    assert any("falls from 25 to 12.5 frames/s" in line for line in plan["losses"])
    kept = estimate(source, tmp_path / "out.mp4", model=Exact(), slow=4)
    assert not any("falls" in line for line in kept["losses"])


@pytest.mark.parametrize("slow", ["0.5", "0", "-2", "1001", "two", "nan"])
def test_other_speeds_are_refused(tmp_path, slow):
    with pytest.raises(ValueError, match="number|slow must be from 1 to 1000"):
        run(tmp_path / "in.mp4", tmp_path / "out.mp4", slow=slow)


def test_a_loop_leads_back_to_its_first_frame(tmp_path):
    source = write_clip(tmp_path / "in.mp4", Clip(6))
    report = run(source, tmp_path / "out.mkv", factor=4, loop=True, segment=2)
    assert (report.frames, report.interpolated) == (24, 18)
    given, made = samples_of(source), samples_of(tmp_path / "out.mkv")
    wanted = (given[5][0].astype(float) + given[0][0]) / 2
    assert np.abs(made[22][0] - wanted).max() <= 1


def test_a_part_can_be_a_loop(tmp_path):
    source = write_clip(tmp_path / "in.mp4", Clip(12))
    report = run(source, tmp_path / "out.mkv", loop=True, start="3f", end="7f")
    assert report.frames == 8
    given, made = samples_of(source), samples_of(tmp_path / "out.mkv")
    wanted = (given[6][0].astype(float) + given[3][0]) / 2
    assert np.abs(made[7][0] - wanted).max() <= 1


def grey(level, clip):
    """A frame of one level of light."""
    image = picture(0, clip)
    for part, code in zip(read_components(image), (level, 128, 128)):
        part.fill_(code)
    return image


@pytest.mark.parametrize("segment", [1, 100])
def test_motion_blur_averages_the_light_while_the_shutter_is_open(tmp_path, segment):
    clip = Clip(4, colour=(1, 1, 1, 1))
    levels = [40, 80, 80, 200]
    source = write_clip(tmp_path / "in.mp4", clip, [grey(level, clip) for level in levels])
    report = run(
        source,
        tmp_path / "out.mkv",
        factor=1,
        motion_blur=180,
        scene_threshold=None,
        segment=segment,
    )
    made = [float(part[0].mean()) for part in samples_of(tmp_path / "out.mkv")]

    def blurred(left, right):
        steps = torch.arange(8) / 16 * (right - left) + left
        light = ((steps - 16) / 219) ** 2.2
        return float(light.mean() ** (1 / 2.2) * 219 + 16)

    assert made == pytest.approx([blurred(40, 80), 80, blurred(80, 200), 200], abs=0.6)
    assert times_of(tmp_path / "out.mkv") == [Fraction(n, 25) for n in range(4)]
    assert (report.frames, report.interpolated) == (4, 2)


def test_motion_blur_at_a_lower_rate_covers_several_source_frames(tmp_path):
    clip = Clip(12, rate=Fraction(48), colour=(1, 1, 1, 1))
    source = write_clip(tmp_path / "in.mp4", clip, [grey(60 + 10 * n, clip) for n in range(12)])
    run(source, tmp_path / "out.mkv", fps=12, motion_blur=360, scene_threshold=None, segment=5)
    made = [float(part[0].mean()) for part in samples_of(tmp_path / "out.mkv")]
    assert len(made) == 3
    for number, level in enumerate(made[:2]):
        assert level == pytest.approx(60 + 40 * number + 20, abs=2.5)


def test_motion_blur_does_not_mix_scenes(tmp_path):
    clip = Clip(6, rate=Fraction(48), colour=(1, 1, 1, 1))
    levels = [40, 40, 40, 220, 220, 220]
    source = write_clip(tmp_path / "in.mp4", clip, [grey(level, clip) for level in levels])
    run(source, tmp_path / "out.mkv", fps=24, motion_blur=360)
    made = [round(float(part[0].mean())) for part in samples_of(tmp_path / "out.mkv")]
    assert made == [40, 40, 220]


@pytest.mark.parametrize("angle", [0, -90, 361, float("nan")])
def test_other_shutter_angles_are_refused(tmp_path, angle):
    with pytest.raises(ValueError, match="shutter angle"):
        run(tmp_path / "in.mp4", tmp_path / "out.mp4", motion_blur=angle)


def test_motion_blur_keeps_the_format(tmp_path):
    source = write_clip(tmp_path / "in.mkv", Clip(3, pix_fmt="yuv444p"))
    run(source, tmp_path / "out.mkv", motion_blur=90)
    assert {image.format.name for image in images_of(tmp_path / "out.mkv")} == {"yuv444p"}

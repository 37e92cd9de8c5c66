"""Interpolation of whole videos."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

import cdfi
from cdfi.video import Encoding, Options, interpolate_video
from cdfi.video.writing.codecs import codec_row
from cdfi.video.writing.pixel_choice import candidates
from tests.cli.interpolate_inputs import tiny_model
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
FAST = Encoding(preset="ultrafast")


def run(source, target, options=None, maker=None, **more):
    return interpolate_video(
        source, target, options=options or Options(encoding=FAST), model=maker or Mean(), **more
    )


def test_a_factor_doubles_a_constant_rate(tmp_path):
    source = write_clip(tmp_path / "in.mp4")
    report = run(source, tmp_path / "out.mp4")
    assert times_of(tmp_path / "out.mp4") == [Fraction(number, 50) for number in range(23)]
    assert (report.frames, report.interpolated) == (23, 11)


def test_a_variable_rate_stays_variable_and_exact(tmp_path):
    times = [0, 20, 40, 100, 110, 130, 200]
    source = write_clip(tmp_path / "in.mp4", Clip(7, time_base=Fraction(1, 600), times=times))
    run(source, tmp_path / "out.mp4", Options(factor=3, encoding=FAST))
    made = times_of(tmp_path / "out.mp4")
    assert made[::3] == [Fraction(time, 600) for time in times]
    assert made[9:12] == [Fraction(100, 600) + Fraction(step * 10, 1800) for step in range(3)]


def test_a_rate_makes_a_variable_rate_constant(tmp_path):
    times = [0, 20, 40, 100, 110, 130, 200]
    source = write_clip(tmp_path / "in.mp4", Clip(7, time_base=Fraction(1, 600), times=times))
    run(source, tmp_path / "out.mp4", Options(fps=Fraction(60), encoding=FAST))
    made = times_of(tmp_path / "out.mp4")
    assert made == [Fraction(number, 60) for number in range(len(made))]
    assert Fraction(200, 600) <= made[-1] < Fraction(400, 600)


def test_slow_motion_keeps_the_rate_and_lengthens_the_video(tmp_path):
    source = write_clip(tmp_path / "in.mp4", Clip(audio=True))
    run(source, tmp_path / "out.mp4", Options(slow=4, encoding=FAST))
    assert times_of(tmp_path / "out.mp4") == [Fraction(number, 25) for number in range(45)]


def test_source_frames_reach_the_encoder_unchanged(tmp_path):
    source = write_clip(tmp_path / "in.mp4")
    run(source, tmp_path / "out.mkv", Options(encoding=LOSSLESS))
    given, made = samples_of(source), samples_of(tmp_path / "out.mkv")
    for first, second in zip(given, made[::2]):
        for before, after in zip(first, second):
            np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("colour", [(1, 1, 1, 1), (6, 6, 6, 2), (2, 2, 2, 0)])
def test_a_static_scene_does_not_flicker_between_source_and_interpolated_frames(
    tmp_path, colour, monkeypatch
):
    monkeypatch.setattr("cdfi.video.timing.scene_changes.is_same", lambda *pair: False)
    clip = Clip(6, colour=colour)
    still = [picture(3, clip) for _ in range(6)]
    source = write_clip(tmp_path / "in.mp4", clip, still)
    maker = Mean()
    options = Options(encoding=LOSSLESS, scene_threshold=None)
    run(source, tmp_path / "out.mkv", options, maker)
    assert maker.calls == 5
    for before, after in zip(
        samples_of(tmp_path / "out.mkv"), samples_of(tmp_path / "out.mkv")[1:]
    ):
        for first, second in zip(before, after):
            assert abs(first.astype(float).mean() - second.astype(float).mean()) < 0.5
            assert abs(first.astype(float) - second).mean() < 0.5


@pytest.mark.parametrize(
    ("pix_fmt", "codec"),
    [
        ("yuv444p10le", "ffv1"),  # deeper, with more chroma
        ("yuv420p10le", "ffv1"),  # deeper only
        ("gbrp10le", "ffv1"),
        ("gray", "ffv1"),
    ],
)
def test_a_static_scene_does_not_flicker_in_another_format(tmp_path, pix_fmt, codec, monkeypatch):
    monkeypatch.setattr("cdfi.video.timing.scene_changes.is_same", lambda *pair: False)
    clip = Clip(3, size=(63, 47), codec="ffv1", options={})
    source = write_clip(tmp_path / "in.mkv", clip, [picture(3, clip) for _ in range(3)])
    maker = Mean()
    encoding = Encoding(codec=codec, pix_fmt=pix_fmt)
    run(source, tmp_path / "out.mkv", Options(encoding=encoding, scene_threshold=None), maker)
    assert maker.calls == 2
    first, *others = samples_of(tmp_path / "out.mkv")
    assert len(others) == 4
    for frame in others:
        for before, after in zip(first, frame, strict=True):
            np.testing.assert_array_equal(before, after)


def test_the_last_frame_keeps_its_length(tmp_path):
    source = write_clip(tmp_path / "in.mp4", Clip(10))
    run(source, tmp_path / "out.mp4")
    with av.open(str(source)) as given, av.open(str(tmp_path / "out.mp4")) as made:
        assert given.duration == made.duration


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_late_start_is_kept(tmp_path, suffix):
    times = [number * 20 + 500 for number in range(8)]
    clip = Clip(8, rate=Fraction(30), time_base=Fraction(1, 600), times=times)
    source = write_clip(tmp_path / f"in{suffix}", clip)
    run(source, tmp_path / f"out{suffix}")
    given, made = times_of(source), times_of(tmp_path / f"out{suffix}")
    assert made[::2] == given
    assert given[0] > Fraction(4, 5)


def test_reordered_frames_keep_their_times(tmp_path):
    options = {"preset": "slow", "crf": "10", "bf": "4", "b-pyramid": "normal"}
    source = write_clip(tmp_path / "in.mp4", Clip(30, options=options))
    encoding = Encoding(preset="slow", extra={"bf": "4"})
    run(source, tmp_path / "out.mp4", Options(encoding=encoding, segment=7))
    assert times_of(tmp_path / "out.mp4")[::2] == times_of(source)


def test_audio_is_copied_packet_for_packet(tmp_path):
    source = write_clip(tmp_path / "in.mp4", Clip(25, audio=True))
    run(source, tmp_path / "out.mp4")
    assert packets_of(tmp_path / "out.mp4", "audio") == packets_of(source, "audio")


def test_stretched_audio_is_as_long_as_the_slowed_video(tmp_path):
    source = write_clip(tmp_path / "in.mp4", Clip(50, audio=True))
    run(source, tmp_path / "out.mp4", Options(slow=3, audio="stretch", encoding=FAST))
    with av.open(str(tmp_path / "out.mp4")) as made:
        stream = made.streams.audio[0]
        assert abs(float(stream.duration * stream.time_base) - 6) < 0.1
        sound = np.concatenate([f.to_ndarray()[0] for f in made.decode(stream)])
    crossings = np.count_nonzero(np.diff(np.signbit(sound[4000:-4000]))) / (len(sound) - 8000)
    assert abs(crossings - 0.05 / np.pi) < 0.001  # the tone's pitch


@pytest.mark.parametrize(
    ("name", "codec", "size"),
    [("o.mp4", None, (98, 66)), ("o.mkv", "hevc", (98, 66)), ("o.webm", "vp9", (97, 65))],
)
def test_odd_sizes_are_kept_or_padded_with_a_line(tmp_path, name, codec, size):
    """H.264 and HEVC store 4:2:0 in even sizes only; 4:4:4 is not played by phones."""
    clip = Clip(4, size=(97, 65), codec="ffv1", options={})
    source = write_clip(tmp_path / "in.mkv", clip)
    encoding = Encoding(codec=codec, crf=0)
    report = run(source, tmp_path / name, Options(encoding=encoding))
    first = images_of(tmp_path / name)[0]
    assert (first.width, first.height, first.format.name) == (*size, "yuv420p")
    lines = [line for line in report.warnings if "97 x 65 becomes 98 x 66" in line]
    assert len(lines) == (size != (97, 65))
    for before, after in zip(samples_of(source)[0], samples_of(tmp_path / name)[0]):
        rows, columns = before.shape
        assert abs(before.astype(int) - after[:rows, :columns]).mean() < 3
        assert abs(after[rows - 1].astype(int) - after[-1]).mean() < 3


def test_a_semi_planar_format_of_hardware_encoders_keeps_the_samples(tmp_path):
    source = write_clip(tmp_path / "in.mp4")
    for name in ("yuv420p", "nv12"):
        encoding = Encoding(codec="h264", preset="ultrafast", crf=0, pix_fmt=name)
        run(source, tmp_path / f"{name}.mkv", Options(encoding=encoding))
    results = (samples_of(tmp_path / f"{name}.mkv") for name in ("yuv420p", "nv12"))
    for first, second in zip(*results):
        for before, after in zip(first, second):
            np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize(
    ("encoder", "source", "chosen"),
    [
        ("h264_nvenc", "yuv420p", "yuv420p"),
        ("hevc_nvenc", "yuv420p10le", "p010le"),
        ("libx264", "yuv422p10le", "yuv422p10le"),
        ("libsvtav1", "yuv444p12le", "yuv420p10le"),
        ("png", "yuv420p10le", "rgb48be"),
    ],
)
def test_an_encoder_gets_the_format_that_loses_least(encoder, source, chosen):
    if encoder not in av.codecs_available:
        pytest.skip(f"this libav has no {encoder}")
    assert candidates(codec_row(encoder, Path("a.mp4"), source), source)[0] == chosen


def test_progress_counts_to_the_end(tmp_path):
    seen = []
    source = write_clip(tmp_path / "in.mp4")
    run(source, tmp_path / "out.mp4", progress=lambda done, total: seen.append((done, total)))
    assert seen[0] == (0, 23)
    assert seen[-1] == (23, 23)
    assert seen == sorted(seen)


def test_nothing_but_the_result_remains(tmp_path):
    source = write_clip(tmp_path / "in.mp4")
    run(source, tmp_path / "out.mp4")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", "out.mp4"]


def test_options_may_be_keywords(tmp_path):
    source = write_clip(tmp_path / "in.mp4", Clip(4))
    target = tmp_path / "out.mp4"
    report = interpolate_video(source, target, model=Mean(), factor=3, preset="ultrafast")
    assert report.frames == len(images_of(target)) == 10
    with pytest.raises(TypeError, match="unexpected option 'fator'; did you mean factor"):
        interpolate_video(source, tmp_path / "other.mp4", model=Mean(), fator=3)


def test_a_model_is_a_file_a_network_or_an_interpolator(tmp_path):
    source = write_clip(tmp_path / "in.mp4", Clip(2))
    file = tiny_model(tmp_path)
    network = cdfi.load(file)
    results = []
    for number, model in enumerate((file, str(file), network, cdfi.Interpolator(network))):
        target = tmp_path / f"{number}.mp4"
        assert (
            interpolate_video(source, target, options=Options(encoding=FAST), model=model).frames
            == 3
        )
        results.append(target.read_bytes())
    assert len(set(results)) == 1

"""Files whose times, fields or repeats were once read wrongly, one of each kind."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import pytest

from cdfi.video import Encoding, Options, interpolate_video
from cdfi.video.pixels.formats import read_components
from tests.video.video_clips import (
    Clip,
    Mean,
    add_tone,
    images_of,
    picture,
    times_of,
    write_clip,
)

CASES = Path(__file__).parent / "cases"
LOSSLESS = Encoding(codec="ffv1")


def run(name, target, **options):
    return interpolate_video(CASES / name, target, options=Options(**options), model=Mean())


def packet_times(path, stream):
    with av.open(str(path)) as container:
        chosen = container.streams[stream]
        return [p.pts * chosen.time_base for p in container.demux(chosen) if p.size]


def samples_of_sound(path):
    with av.open(str(path)) as container:
        return sum(frame.samples for frame in container.decode(audio=0))


def test_guessed_times_do_not_reorder_or_lose_frames(tmp_path):
    report = run("h264b.avi", tmp_path / "x.mkv", encoding=LOSSLESS)
    assert report.counts["source frames"] == 20
    assert times_of(tmp_path / "x.mkv") == [Fraction(number, 50) for number in range(39)]
    with av.open(str(CASES / "h264b.avi")) as container:
        given = [frame.to_ndarray() for frame in container.decode(video=0)]
    made = [frame.to_ndarray() for frame in images_of(tmp_path / "x.mkv")][::2]
    assert all((one == other).all() for one, other in zip(given, made, strict=True))


def test_a_variable_rate_with_b_frames_keeps_its_times(tmp_path):
    run("screen.mp4", tmp_path / "x.mp4")
    ticks = [0, 15360, 15616, 15872, 16128, 16384, 25600, 30464]
    assert times_of(tmp_path / "x.mp4")[::2] == [Fraction(tick, 15360) for tick in ticks]


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_joined_recordings_keep_picture_and_sound_in_step(tmp_path, suffix):
    target = tmp_path / f"x{suffix}"
    report = run("joinedlong.ts", target)
    assert report.counts["source frames"] == 100
    assert any("jumps of the file's clock" in line for line in report.warnings)
    frames, sound = times_of(target)[::2], packet_times(target, 1)
    assert len(sound) == 190
    # Both parts begin with the same distance of picture and sound, to the tick of Matroska.
    assert abs((frames[50] - sound[95]) - (frames[0] - sound[0])) <= Fraction(1, 500)
    steps = {round(float(b - a) * 1000) for a, b in pairwise(sound)}
    assert steps <= {21, 22}
    assert float(frames[-1]) == pytest.approx(5.46, abs=0.02)


@pytest.mark.long
def test_the_slowed_sound_of_joined_recordings_is_complete(tmp_path):
    run("joinedlong.ts", tmp_path / "x.mp4", slow=2, audio="stretch")
    length = 2 * 190 * 1024  # packets of the source, at 48 kHz
    assert abs(samples_of_sound(tmp_path / "x.mp4") - length) < 48000 // 5


@pytest.mark.parametrize(("suffix", "later"), [(".mkv", 0.009), (".mp4", 0.0)])
def test_sound_hidden_by_an_edit_list_is_not_heard(tmp_path, suffix, later):
    report = run("trim.mp4", tmp_path / f"x{suffix}")
    assert samples_of_sound(CASES / "trim.mp4") == 20032
    assert samples_of_sound(tmp_path / f"x{suffix}") == 20032
    assert float(times_of(tmp_path / f"x{suffix}")[0]) == pytest.approx(later, abs=1e-6)
    assert bool(later) == any("later" in line for line in report.warnings)


def test_a_second_video_with_b_frames_keeps_its_times(tmp_path):
    run("twov.mkv", tmp_path / "x.mkv")
    assert packet_times(tmp_path / "x.mkv", 1) == packet_times(CASES / "twov.mkv", 1)
    assert sorted(packet_times(tmp_path / "x.mkv", 1))[:4] == [
        Fraction(number, 50) for number in range(4)
    ]


def test_the_containers_pixel_shape_goes_before_the_codecs(tmp_path):
    run("sarc.mp4", tmp_path / "x.mp4")
    with av.open(str(tmp_path / "x.mp4")) as made:
        assert made.streams.video[0].sample_aspect_ratio == Fraction(116, 81)


def test_fields_that_begin_in_the_middle_of_a_file_are_found(tmp_path):
    with pytest.raises(ValueError, match="is interlaced: give --deinterlace"):
        run("mixedi.ts", tmp_path / "x.mp4")
    report = run("mixedi.ts", tmp_path / "x.mkv", deinterlace=True, encoding=LOSSLESS)
    assert report.counts["source frames"] == 15
    with av.open(str(CASES / "mixedi.ts")) as container:
        first = next(container.decode(video=0))
    # Frames that are flagged progressive are not filtered.
    made = images_of(tmp_path / "x.mkv")[0]
    pairs = zip(read_components(first), read_components(made))
    assert all((one == other).all() for one, other in pairs)


def test_progressive_segmented_frames_are_not_filtered(tmp_path):
    report = run("psf.mp4", tmp_path / "x.mp4")
    assert report.warnings == []
    assert report.counts["source frames"] == 10


@pytest.mark.parametrize("options", [{"factor": 3}, {"fps": Fraction(60)}, {"slow": 3}])
def test_ticks_of_a_nanosecond_do_not_overflow(tmp_path, options):
    run("bigts.mp4", tmp_path / "x.mp4", **options)
    times = times_of(tmp_path / "x.mp4")
    step = times[1] - times[0]
    assert all(b - a == step for a, b in pairwise(times))


def test_repeats_beneath_the_noise_of_coding_are_found(tmp_path):
    report = run("twos23.mp4", tmp_path / "x.mp4", dedup=True)
    assert report.counts["duplicates interpolated across"] >= 10


def test_frames_beside_a_flash_are_held(tmp_path):
    report = run("flash.mp4", tmp_path / "x.mkv", encoding=LOSSLESS)
    levels = [
        read_components(image)[0].float().mean().item() for image in images_of(tmp_path / "x.mkv")
    ]
    assert report.counts["scene cuts held"] == 6
    dark, bright = min(levels), max(levels)
    assert not [level for level in levels if dark + 20 < level < bright - 20]


@pytest.mark.parametrize("options", [{"bf": "0"}, {"bf": "3"}])
def test_frames_that_share_a_tick_keep_their_number_and_their_order(tmp_path, options):
    clip = Clip(40, rate=Fraction(1600), options=options | {"preset": "fast", "crf": "10"})
    source = write_clip(tmp_path / "in.mkv", clip)
    report = interpolate_video(source, tmp_path / "x.mp4", options=Options(), model=Mean())
    assert report.counts["source frames"] == 40
    times = times_of(tmp_path / "x.mp4")[::2]
    for number, time in enumerate(times):
        assert abs(time - Fraction(number, 1600)) <= Fraction(1, 1000)


@pytest.mark.parametrize(
    ("suffix", "codec", "options", "sound"),
    [
        (".ts", "libx264", {"bf": "3"}, "aac"),
        (".flv", "libx264", {"bf": "3"}, "aac"),
        (".mpg", "mpeg2video", {"bf": "2"}, "mp2"),
    ],
)
def test_recordings_of_each_streaming_format_can_be_joined(tmp_path, suffix, codec, options, sound):
    part = tmp_path / f"part{suffix}"
    with av.open(str(part), "w") as container:
        video = container.add_stream(codec, rate=25, options=options)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        audio = container.add_stream(sound, rate=48000, layout="mono")
        for number in range(14):
            container.mux(video.encode(picture(number, Clip())))
        container.mux(video.encode(None))
        add_tone(container, audio, 14 / 25)
    data, header = part.read_bytes(), 13 if suffix == ".flv" else 0
    source = tmp_path / f"joined{suffix}"
    source.write_bytes(data + data[header:])
    report = interpolate_video(source, tmp_path / "x.mkv", options=Options(), model=Mean())
    assert report.counts["source frames"] == 28
    times = times_of(tmp_path / "x.mkv")[::2]
    steps = [after - before for before, after in pairwise(times)]
    usual = Fraction(1, 25)
    assert all(abs(step - usual) <= Fraction(1, 500) for n, step in enumerate(steps) if n != 13)
    assert usual - Fraction(1, 500) <= steps[13] <= usual + Fraction(1, 10)


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("in.avi", "libx264", {"bf": "3", "preset": "fast"}),
        ("in.avi", "mpeg4", {"bf": "2"}),
        ("in.h264", "libx264", {"bf": "3", "preset": "fast"}),
        ("in.flv", "libx264", {"bf": "3", "preset": "fast"}),
        ("in.mpg", "mpeg2video", {"bf": "2"}),
    ],
)
def test_b_frames_keep_their_order_in_formats_without_presentation_times(
    tmp_path, name, codec, options
):
    source = write_clip(tmp_path / name, Clip(20, codec=codec, options=options))
    report = interpolate_video(source, tmp_path / "x.mkv", options=Options(), model=Mean())
    assert report.counts["source frames"] == 20
    steps = {b - a for a, b in pairwise(times_of(tmp_path / "x.mkv"))}
    assert steps == {Fraction(1, 50)}

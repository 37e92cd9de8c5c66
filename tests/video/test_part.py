"""A part of a video: exact frames, sound to the sample, subtitles and chapters."""

import json
from fractions import Fraction

import av
import numpy as np
import pytest

from cdfi.cli.main import main
from cdfi.video import Encoding, Options, interpolate_video, write_preview
from cdfi.video.timing.moment import parse_moment
from cdfi.video.writing.timecode import later_timecode
from tests.cli.interpolate_inputs import tiny_model
from tests.video.case_files import CASES
from tests.video.video_clips import Clip, Mean, packets_of, samples_of, times_of, write_clip

LOSSLESS = Encoding(codec="h264", preset="ultrafast", crf=0)
RATE = 48000


def run(source, target, **settings):
    options = Options(encoding=LOSSLESS)
    return interpolate_video(source, target, options=options, model=Mean(), **settings)


def noise(seconds):
    """Samples of which no two parts are alike, for a codec without loss."""
    return np.random.default_rng(0).integers(-9000, 9000, int(seconds * RATE)).astype(np.int16)


def with_sound(path, codec="pcm_s16le", clip=None, samples=None, packet=1024):
    """Write a clip of one second with sound, a subtitle every 0.2 s and chapters every 0.5 s."""
    write_clip(path.with_name("video.mkv"), clip or Clip(25, options={"crf": "10", "g": "12"}))
    samples = noise(1) if samples is None else samples
    with av.open(str(path.with_name("video.mkv"))) as source, av.open(str(path), "w") as target:
        video = target.add_stream_from_template(source.streams.video[0])
        sound = target.add_stream(codec, rate=RATE, layout="mono")
        target.set_chapters(
            [
                {
                    "id": n,
                    "start": 500 * n,
                    "end": 500 * n + 500,
                    "time_base": Fraction(1, 1000),
                    "metadata": {"title": str(n)},
                }
                for n in range(2)
            ]
        )
        for item in source.demux(video=0):
            if item.size:
                item.stream = video
                target.mux(item)
        for begin in range(0, len(samples), packet):
            part = samples[None, begin : begin + packet]
            form = sound.codec_context.format.name
            if form == "fltp":
                part = (part / 32768).astype(np.float32)
            frame = av.AudioFrame.from_ndarray(part, form, "mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE, begin, Fraction(1, RATE)
            target.mux(sound.encode(frame))
        target.mux(sound.encode(None))
    return path


def sound_of(path):
    """Return when the sound begins, in seconds, and its samples."""
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
    first = frames[0].pts * frames[0].time_base
    return first, np.concatenate([frame.to_ndarray().ravel() for frame in frames])


@pytest.mark.parametrize(
    ("text", "value", "frames"),
    [
        ("83.5", Fraction(167, 2), False),
        ("1:23.5", Fraction(167, 2), False),
        ("1:02:03", 3723, False),
        ("120f", 120, True),
        ("5s", 5, False),
        (2, 2, False),
    ],
)
def test_a_moment_is_seconds_a_clock_or_frames(text, value, frames):
    assert parse_moment(text) == (value, frames)


@pytest.mark.parametrize("text", ["", "-1", "1:75", "1:2:3:4", "f", "1.5f", "nan", "1e9999x"])
def test_other_forms_of_a_moment_are_refused(text):
    with pytest.raises(ValueError, match="expected seconds"):
        parse_moment(text)


@pytest.mark.parametrize(
    ("part", "first", "last"),
    [
        ({"start": "7f", "end": "16f"}, 7, 16),  # neither is a keyframe
        ({"start": 0.28, "duration": "9f"}, 7, 16),
        ({"start": "0:00.27", "end": 0.63}, 7, 16),
        ({"start": "20f"}, 20, 25),
        ({"duration": 0.2}, 0, 5),
        ({"start": "24f", "segment": 3}, 24, None),
    ],
)
def test_a_part_equals_that_part_of_the_whole_result(tmp_path, part, first, last):
    source = write_clip(tmp_path / "in.mp4", Clip(25, options={"crf": "10", "g": "12"}))
    if last is None:
        with pytest.raises(ValueError, match="a single frame"):
            run(source, tmp_path / "part.mkv", **part)
        return
    run(source, tmp_path / "whole.mkv")
    report = run(source, tmp_path / "part.mkv", segment=4, **part)
    stop = 2 * last if last < 25 else 49
    assert report.frames == stop - 2 * first
    assert times_of(tmp_path / "part.mkv") == [Fraction(n, 50) for n in range(report.frames)]
    made = samples_of(tmp_path / "part.mkv")
    for one, other in zip(made, samples_of(tmp_path / "whole.mkv")[2 * first : stop], strict=True):
        np.testing.assert_array_equal(one[0], other[0])


def test_parts_of_a_variable_rate_end_where_the_next_frame_begins(tmp_path):
    times = [0, 20, 40, 100, 110, 130, 200]
    source = write_clip(tmp_path / "in.mp4", Clip(7, time_base=Fraction(1, 600), times=times))
    run(source, tmp_path / "out.mp4", start="1f", end="5f")
    wanted = [0, 10, 20, 50, 80, 85, 90, 100]
    assert times_of(tmp_path / "out.mp4") == [Fraction(time, 600) for time in wanted]


@pytest.mark.parametrize("suffix", [".mkv", ".mov"])
def test_sound_is_cut_to_the_sample(tmp_path, suffix):
    source = with_sound(tmp_path / f"in{suffix}")
    run(source, tmp_path / f"out{suffix}", start="7f", end="16f")
    first, samples = sound_of(tmp_path / f"out{suffix}")
    start = times_of(tmp_path / f"out{suffix}")[0]
    assert first - start == pytest.approx(0, abs=1e-3)
    np.testing.assert_array_equal(samples, noise(1)[7 * RATE // 25 : 16 * RATE // 25])


def test_coded_sound_is_cut_without_encoding_it_again(tmp_path):
    tone = (np.sin(np.arange(RATE) * 0.05) * 9000).astype(np.int16)
    source = with_sound(tmp_path / "in.mp4", "aac", samples=tone)
    run(source, tmp_path / "out.mp4", start="7f", end="17f")
    _, whole = sound_of(source)
    first, samples = sound_of(tmp_path / "out.mp4")
    assert first == 0
    wanted = whole[7 * RATE // 25 : 17 * RATE // 25]
    np.testing.assert_allclose(samples[: len(wanted)], wanted, atol=1e-4)
    with av.open(str(tmp_path / "out.mp4")) as made:  # libav decodes the last packet to its end
        lengths = [packet.duration for packet in made.demux(audio=0) if packet.size]
        assert made.streams.audio[0].duration == len(wanted)
    assert 0 < lengths[-1] < 1024


@pytest.mark.parametrize(("codec", "suffix"), [("aac", ".mkv"), ("libopus", ".webm")])
def test_what_a_decoder_reads_before_a_part_is_hidden_in_matroska(tmp_path, codec, suffix):
    wave = np.sin(np.arange(RATE) * 0.05) * (1 + 0.5 * np.sin(np.arange(RATE) * 0.0007))
    samples = (wave * 9000).astype(np.int16)
    packet = 960 if codec == "libopus" else 1024
    source = with_sound(tmp_path / "in.mkv", codec, samples=samples, packet=packet)
    encoding = Encoding(preset="8" if suffix == ".webm" else "ultrafast")
    target = tmp_path / f"out{suffix}"
    interpolate_video(
        source, target, model=Mean(), options=Options(encoding=encoding), start="7f", end="17f"
    )
    _, whole = sound_of(source)
    first, made = sound_of(target)
    assert times_of(target)[0] == 0
    assert first == pytest.approx(0, abs=1.5e-3)
    wanted = whole[7 * RATE // 25 : 17 * RATE // 25]
    assert len(made) == len(wanted)
    limit = 1e-2 if codec == "libopus" else 1e-4  # Opus predicts from further back
    np.testing.assert_allclose(made, wanted, atol=limit)


def test_slowed_sound_is_cut_too(tmp_path):
    source = with_sound(tmp_path / "in.mkv")
    run(source, tmp_path / "out.mkv", start=0.4, end=0.8, slow=2, audio="stretch")
    first, samples = sound_of(tmp_path / "out.mkv")
    assert first == pytest.approx(0, abs=0.03)
    assert len(samples) / RATE == pytest.approx(0.8, abs=0.05)


def test_chapters_are_cut(tmp_path):
    source = with_sound(tmp_path / "in.mkv")
    run(source, tmp_path / "out.mkv", start=0.4, end=0.8)
    with av.open(str(tmp_path / "out.mkv")) as made:
        edges = [float(c[e] * c["time_base"]) for c in made.chapters() for e in ("start", "end")]
    first = float(times_of(tmp_path / "out.mkv")[0])
    assert edges == pytest.approx([0, 0.1 + first, 0.1 + first, 0.4 + first], abs=2e-3)


def test_a_part_beyond_the_end_is_refused_in_one_line(tmp_path):
    source = write_clip(tmp_path / "in.mp4", Clip(5))
    with pytest.raises(ValueError, match=r"start 9 lies after the last frame.*lasts 0.200 s"):
        run(source, tmp_path / "out.mp4", start=9)
    with pytest.raises(ValueError, match="no frame from 0.1 up to 0.05"):
        run(source, tmp_path / "out.mp4", start=0.1, end=0.05)
    with pytest.raises(ValueError, match="both given"):
        run(source, tmp_path / "out.mp4", end=1, duration=1)
    assert not (tmp_path / "out.mp4").exists()


def test_a_preview_has_a_position_and_a_length(tmp_path):
    source = write_clip(tmp_path / "in.mp4", Clip(25))
    side = tmp_path / "side.mp4"
    shown = write_preview(source, side, model=Mean(), preset="ultrafast", start="5f", duration=0.2)
    assert shown == (10, 5)
    assert times_of(side) == [Fraction(number, 50) for number in range(10)]


def test_packets_of_a_part_are_those_of_the_source(tmp_path):
    source = with_sound(tmp_path / "in.mp4", "aac")
    run(source, tmp_path / "out.mp4", start="7f", end="16f")
    given = [data for _, data in packets_of(source, "audio")]
    made = [data for _, data in packets_of(tmp_path / "out.mp4", "audio")]
    begin = given.index(made[0])
    assert made == given[begin : begin + len(made)]


def test_subtitles_are_cut(tmp_path):
    text = "".join(
        f"{n + 1}\n00:00:00,{200 * n:03d} --> 00:00:00,{200 * n + 199:03d}\n{n}\n\n"
        for n in range(4)
    )
    (tmp_path / "s.srt").write_text(text)
    write_clip(tmp_path / "v.mkv", Clip(25))
    with (
        av.open(str(tmp_path / "v.mkv")) as video,
        av.open(str(tmp_path / "s.srt")) as lines,
        av.open(str(tmp_path / "in.mkv"), "w") as target,
    ):
        made = [target.add_stream_from_template(c.streams[0]) for c in (video, lines)]
        for source, stream in zip((video, lines), made):
            for packet in source.demux():
                if packet.size:
                    packet.stream = stream
                    target.mux(packet)
    run(tmp_path / "in.mkv", tmp_path / "out.mkv", start=0.28, end=0.5)
    with av.open(str(tmp_path / "out.mkv")) as made:
        shown = [
            (bytes(packet), float(packet.pts * packet.time_base), float(packet.duration) / 1000)
            for packet in made.demux(subtitles=0)
            if packet.size
        ]
    assert shown == [
        (b"1", 0.0, pytest.approx(0.119, abs=2e-3)),
        (b"2", pytest.approx(0.12, abs=2e-3), pytest.approx(0.12, abs=2e-3)),
    ]


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".mov", ".ts"])
def test_a_part_of_a_file_of_many_streams_keeps_them(tmp_path, suffix):
    target = tmp_path / f"out{suffix}"
    source = CASES / "multi.mkv"
    length = times_of(source)[-1]
    interpolate_video(
        source, target, model=Mean(), preset="ultrafast", start=length / 3, end=length * 2 / 3
    )
    with av.open(str(target)) as made:
        video = made.streams.video[0]
        number = video.index
        sound = [s for s in made.streams if s.type == "audio"]
        ends: dict[int, list[float]] = {s.index: [] for s in (video, *sound)}
        for packet in made.demux(video, *sound):
            if packet.pts is not None:
                ends[packet.stream_index].append(float(packet.pts * packet.time_base))
    begin = min(ends[number])
    assert all(abs(min(times) - begin) < 0.2 for times in ends.values())
    assert all(abs(max(times) - max(ends[number])) < 0.2 for times in ends.values())


@pytest.mark.parametrize(
    ("text", "frames", "rate", "wanted"),
    [
        ("01:00:00:00", 30, Fraction(25), "01:00:01:05"),
        ("23:59:59:24", 1, Fraction(25), "00:00:00:00"),
        ("00:00:59;29", 1, Fraction(30000, 1001), "00:01:00;02"),
        ("00:00:00;00", 17982, Fraction(30000, 1001), "00:10:00;00"),
        ("00:09:59;29", 1, Fraction(30000, 1001), "00:10:00;00"),
        ("no timecode", 5, Fraction(25), "no timecode"),
    ],
)
def test_a_timecode_moves_with_the_start(text, frames, rate, wanted):
    assert later_timecode(text, frames, rate) == wanted


def test_the_command_line_takes_a_part(tmp_path, capsys):
    source = write_clip(tmp_path / "in.mp4", Clip(12))
    words = [str(source), "--start", "0:00.04", "--duration", "3f", "--dry-run", "--json"]
    model = str(tiny_model(tmp_path))
    assert main(["interpolate", *words, "--model", model]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["source_frames"], plan["frames"], plan["duration"]) == (3, 6, 0.12)
    assert main(["interpolate", str(source), "--start", "1:99"]) == 1
    assert capsys.readouterr().err.startswith("cdfi: --start: expected seconds")

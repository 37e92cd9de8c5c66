"""Slowed sound: in sync with the picture, from any source."""

import av
import numpy as np
import pytest

from cdfi.video import Encoding, Options, interpolate_video
from tests.video.video_clips import Clip, Mean, write_clip

RATE = 48_000


def write_sound(path, pieces, layout="mono", rate=RATE, codec="pcm_s16le"):
    """A clip of two seconds with a tone in each of the ``pieces``: (start, end) in seconds."""
    video = write_clip(path.with_name("silent.mkv"), Clip(50))
    with av.open(str(video)) as source, av.open(str(path), "w") as target:
        pictures = target.add_stream_from_template(source.streams.video[0])
        sound = target.add_stream(codec, rate=rate, layout=layout)
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = pictures
                target.mux(packet)
        size = sound.codec_context.frame_size or rate // 50
        for start, end in pieces:
            for first in range(round(start * rate), round(end * rate), size):
                wave = np.sin(np.arange(first, first + size) * (0.05 * RATE / rate)) * 8000
                count = sound.codec_context.layout.nb_channels
                samples = np.repeat(wave.astype(np.int16)[:, None], count, 1).reshape(1, -1)
                frame = av.AudioFrame.from_ndarray(samples, "s16", layout)
                frame.sample_rate, frame.pts = rate, first
                target.mux(sound.encode(frame))
        target.mux(sound.encode(None))
    return path


def slowed(source, target, slow=2):
    encoding = Encoding(preset="8" if target.suffix == ".webm" else "ultrafast")
    return interpolate_video(
        source, target, options=Options(slow=slow, audio="stretch", encoding=encoding), model=Mean()
    )


def loudness(path):
    """The largest sample of each tenth of a second, and the stream's layout and rate."""
    with av.open(str(path)) as made:
        stream = made.streams.audio[0]
        rate, layout = stream.codec_context.sample_rate, stream.codec_context.layout.name
        level = np.zeros(200)
        for frame in made.decode(stream):
            samples = np.abs(av.AudioResampler("flt", "mono").resample(frame)[0].to_ndarray()[0])
            at = (np.arange(len(samples)) / rate + frame.time) * 10
            np.maximum.at(level, at.astype(int).clip(0), samples)
    return level, layout, rate


def test_a_gap_stays_where_it_was(tmp_path):
    source = write_sound(tmp_path / "in.mkv", [(0, 0.6), (1.2, 2)])
    assert not slowed(source, tmp_path / "out.mkv").warnings
    level, _, _ = loudness(tmp_path / "out.mkv")
    assert level[2:11].min() > 0.1
    assert level[14:23].max() < 0.01
    assert level[26:38].min() > 0.1
    assert level[42:].max() == 0


def test_damaged_sound_is_silent_and_reported(tmp_path):
    source = write_sound(tmp_path / "in.mkv", [(0, 2)], codec="ac3")
    content = bytearray(source.read_bytes())
    with av.open(str(source)) as container:
        packets = [bytes(packet) for packet in container.demux(audio=0) if packet.size]
    for packet in packets[20:40]:
        at = content.index(packet)
        content[at : at + len(packet)] = bytes(len(packet))
    source.write_bytes(content)
    report = slowed(source, tmp_path / "out.mkv")
    (warning,) = report.warnings
    assert warning == "in.mkv: 20 damaged packets of sound, silent in the result"
    level, _, _ = loudness(tmp_path / "out.mkv")  # packets 20 to 40 are 0.64 s to 1.28 s
    assert level[2:12].min() > 0.1
    assert level[15:24].max() < 0.01
    assert level[28:38].min() > 0.1


@pytest.mark.long
@pytest.mark.parametrize(
    ("suffix", "layout", "rate", "written"),
    [
        (".mp4", "5.1", 96_000, ("5.1", 96_000)),
        (".mkv", "mono", 8_000, ("mono", 8_000)),
        (".ts", "5.1", 48_000, ("5.1", 48_000)),
        (".mp4", "stereo", 192_000, ("stereo", 96_000)),
        (".webm", "5.1(side)", 44_100, ("5.1", 48_000)),
    ],
)
def test_every_arrangement_and_rate_is_written(tmp_path, suffix, layout, rate, written):
    source = write_sound(tmp_path / "in.mkv", [(0, 2)], layout, rate)
    warnings = slowed(source, tmp_path / f"out{suffix}").warnings
    assert ["times" in line for line in warnings] == [True] * (suffix == ".ts")  # AAC's lead-in
    level, *found = loudness(tmp_path / f"out{suffix}")
    assert tuple(found) == written
    assert level[2:38].min() > 0.05


def test_mixed_channels_are_reported(tmp_path):
    source = write_sound(tmp_path / "in.mkv", [(0, 2)], "7.1.2")  # of which PCM keeps the number
    (warning,) = slowed(source, tmp_path / "out.webm").warnings
    mixed = "1 stream of sound mixed from 10 channels to 7.1: libopus takes no 10 channels"
    assert warning == f"in.mkv: {mixed}"
    assert loudness(tmp_path / "out.webm")[1] == "7.1"


def test_a_container_without_sound_is_reported(tmp_path):
    source = write_sound(tmp_path / "in.mkv", [(0, 2)])
    options = Options(slow=2, audio="stretch")
    colours, sound = interpolate_video(
        source, tmp_path / "out.gif", options=options, model=Mean()
    ).warnings
    assert colours == "in.mkv: colours are reduced to a palette of 256"
    assert sound.startswith("in.mkv: .gif cannot hold audio stream 1 (")

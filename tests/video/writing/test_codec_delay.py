"""The delay of sound tracks in a finished Matroska file."""

import io
from fractions import Fraction

import av
import pytest

from cdfi.video.writing.codec_delay import set_codec_delays


def written(codec):
    """A file with two tracks of sound."""
    file, streams = io.BytesIO(), []
    with av.open(file, "w", format="matroska") as target:
        for _ in range(2):
            stream = target.add_stream(codec, rate=48000, layout="mono")
            stream.codec_context.open()
            size = stream.codec_context.frame_size or 1024
            frame = av.AudioFrame(stream.codec_context.format, "mono", size)
            frame.sample_rate, frame.pts, frame.time_base = 48000, 0, Fraction(1, 48000)
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            streams.append((stream, frame))
        for stream, frame in streams:
            target.mux([*stream.encode(frame), *stream.encode(None)])
    file.seek(0)
    return file


@pytest.mark.parametrize("codec", ["aac", "libopus"])
@pytest.mark.parametrize("delay", [0, 1, 5_000_000, 106_666_667])
def test_the_delay_of_one_track_is_changed(codec, delay):
    file = written(codec)
    size = len(file.getvalue())
    before = [stream.codec_context.delay for stream in av.open(file).streams]
    set_codec_delays(file, {1: delay})
    assert len(file.getvalue()) == size
    file.seek(0)
    after = [stream.codec_context.delay for stream in av.open(file).streams]
    assert after == [before[0], round(delay * 48000 / 10**9)]


def test_tracks_without_a_delay_stay_as_they_are():
    file = written("flac")
    content = file.getvalue()
    set_codec_delays(file, {0: 5_000_000})
    assert file.getvalue() == content

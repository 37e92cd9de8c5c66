"""YUV4MPEG2 streams in and out."""

import errno
import io
import os
import subprocess
import sys
import threading
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from cdfi.video import Options
from cdfi.video.pipes import interpolate_to_stream
from tests.cli.interpolate_inputs import tiny_model
from tests.video.test_speed import Exact
from tests.video.video_clips import Clip, prefetch_threads, samples_of, times_of, write_clip


def y4m(clip, path):
    """The bytes of a stream."""
    source = write_clip(path.with_suffix(".mkv"), clip)
    name = {"yuv420p": "420jpeg", "yuv422p": "422", "yuv444p": "444"}[clip.pix_fmt]
    width, height = clip.size
    rate = f"{clip.rate.numerator}:{clip.rate.denominator}"
    made = [f"YUV4MPEG2 W{width} H{height} F{rate} Ip A1:1 C{name}\n".encode()]
    for planes in samples_of(source):
        made += [b"FRAME\n", *(plane.tobytes() for plane in planes)]
    return source, b"".join(made)


@pytest.fixture
def pipe(monkeypatch):
    """Run a stream from bytes to bytes."""

    def run(data, source="-", target="-", **options):
        out = io.BytesIO()
        given = SimpleNamespace(buffer=io.BufferedReader(io.BytesIO(data)))
        monkeypatch.setattr("sys.stdin", given)
        monkeypatch.setattr("sys.stdout", SimpleNamespace(buffer=out))
        report = interpolate_to_stream(source, target, model=Exact(), options=Options(**options))
        return report, out.getvalue()

    return lambda data, source="-", target="-", **o: run(data, Path(source), Path(target), **o)


class ClosedPipe(io.BytesIO):
    """A pipe whose reader ends after the header of the stream."""

    def write(self, data):
        if data.startswith(b"FRAME"):
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")
        return super().write(data)


@pytest.mark.parametrize("from_stream", [True, False])
def test_the_threads_end_if_the_reader_of_the_result_ends(tmp_path, monkeypatch, from_stream):
    before = prefetch_threads()  # of other tests
    source, data = y4m(Clip(40, codec="ffv1", options={}), tmp_path / "in")
    given = SimpleNamespace(buffer=io.BufferedReader(io.BytesIO(data)))
    monkeypatch.setattr("sys.stdin", given)
    monkeypatch.setattr("sys.stdout", SimpleNamespace(buffer=ClosedPipe()))
    with pytest.raises(BrokenPipeError) as caught:
        interpolate_to_stream(Path("-") if from_stream else source, Path("-"), model=Exact())
    assert not prefetch_threads() - before
    del caught  # until here its traceback keeps the generators alive


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv444p", "yuv422p"])
def test_a_stream_becomes_a_stream(tmp_path, pipe, pix_fmt):
    clip = Clip(6, size=(63, 47), pix_fmt=pix_fmt, codec="ffv1", options={})
    source, data = y4m(clip, tmp_path / "in")
    report, made = pipe(data, factor=2)
    assert (report.frames, report.interpolated) == (11, 5)
    (tmp_path / "out.y4m").write_bytes(made)
    assert times_of(tmp_path / "out.y4m") == [Fraction(n, 50) for n in range(11)]
    for one, other in zip(samples_of(tmp_path / "out.y4m")[::2], samples_of(source), strict=True):
        for before, after in zip(one, other):
            np.testing.assert_array_equal(before, after)


def test_a_stream_is_slowed_at_its_rate(tmp_path, pipe):
    _, data = y4m(Clip(6, rate=Fraction(30000, 1001)), tmp_path / "in")
    report, made = pipe(data, slow=Fraction(5, 2))
    (tmp_path / "out.y4m").write_bytes(made)
    assert times_of(tmp_path / "out.y4m")[1] == Fraction(1001, 30000)
    assert report.frames == 15  # 5 gaps of 2.5 frames, and the last until its end


def test_a_file_becomes_a_stream_of_constant_rate(tmp_path, pipe):
    source = write_clip(
        tmp_path / "in.mkv", Clip(4, pix_fmt="yuv420p10le", codec="ffv1", options={})
    )
    report, made = pipe(b"", source, start=None, factor=3)
    assert report.frames == 12
    header = made.partition(b"\n")[0]
    assert header.startswith(b"YUV4MPEG2 W64 H48 F75:1 Ip A0:0 C420p10 XYSCSS=420P10")
    assert len(made) == len(header) + 1 + 12 * (6 + 64 * 48 * 3)


def test_another_container_on_standard_input_is_read_to_its_end_first(tmp_path, pipe):
    source = write_clip(tmp_path / "in.mkv", Clip(4))
    report, made = pipe(source.read_bytes())
    assert report.frames == 8
    assert made.startswith(b"YUV4MPEG2 W64 H48 F50:1")


def test_a_y4m_file_appears_when_it_is_complete(tmp_path, pipe):
    source = write_clip(tmp_path / "in.mkv", Clip(4))
    target = tmp_path / "out.y4m"
    pipe(b"", source, target)
    assert len(times_of(target)) == 8
    with pytest.raises(FileExistsError, match="--overwrite"):
        pipe(b"", source, target)


@pytest.mark.parametrize("options", [{"loop": True}, {"motion_blur": 180.0}])
def test_options_that_need_a_file_are_refused_for_a_stream(tmp_path, pipe, options):
    _, data = y4m(Clip(2), tmp_path / "in")
    with pytest.raises(ValueError, match="write the stream to one first"):
        pipe(data, **options)


def test_a_stream_that_is_cut_short_keeps_its_whole_frames(tmp_path, pipe):
    _, data = y4m(Clip(4), tmp_path / "in")
    report, _ = pipe(data[:-100])
    assert report.frames == 5
    with pytest.raises(ValueError, match="without a frame"):
        pipe(data[: data.index(b"\n") + 1])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
@pytest.mark.long
def test_the_command_reads_a_pipe_and_writes_to_standard_output(tmp_path):
    _, data = y4m(Clip(3), tmp_path / "in")
    os.mkfifo(tmp_path / "fifo")
    feeder = threading.Thread(target=(tmp_path / "fifo").write_bytes, args=(data,))
    feeder.start()
    words = ["interpolate", tmp_path / "fifo", "-o", "-", "--model", tiny_model(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "cdfi.cli.main", *map(str, words)], capture_output=True, check=True
    )
    feeder.join()
    assert done.stdout.count(b"FRAME\n") == 5
    assert b"5 frames, 2 of them interpolated" in done.stderr

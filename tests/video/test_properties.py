"""Random files: every frame and packet is kept once, at its time, or its loss is reported."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from cdfi.video import Encoding, Options, interpolate_video
from tests.video.video_clips import Mean

BASE = Fraction(1, 600)
SIZE = 32
STEP = 14  # codes between the grey of neighbouring frames, by which a frame is known
SOUND = {"mp4": "aac", "mov": "aac", "matroska": "libopus", "mpegts": "aac", "nut": "aac"}
TEXT = {"mp4": "mov_text", "matroska": "subrip"}
SUFFIX = {"mp4": ".mp4", "mov": ".mov", "matroska": ".mkv", "mpegts": ".ts", "nut": ".nut"}
#: The coarsest tick that times are rounded to, in seconds.
TICK = {"matroska": Fraction(1, 1000)}


@dataclass
class File:
    """A random file; times in ticks of ``BASE``."""

    form: str
    gaps: list[int]
    start: int
    b_frames: int
    keys: int
    sound_start: int | None
    text: bool
    second_b_frames: int | None

    @property
    def times(self) -> list[int]:
        """When each frame is shown."""
        return [self.start + sum(self.gaps[:number]) for number in range(len(self.gaps))]


files = st.builds(
    File,
    form=st.sampled_from(sorted(SUFFIX)),
    gaps=st.lists(st.sampled_from([6, 20, 24, 25, 25, 90, 700]), min_size=3, max_size=12),
    start=st.sampled_from([0, 0, 13, 300]),
    b_frames=st.sampled_from([0, 2, 3]),
    keys=st.sampled_from([4, 250]),
    sound_start=st.sampled_from([None, 0, 0, 77]),
    text=st.booleans(),
    second_b_frames=st.sampled_from([None, None, 0, 2]),
)


def grey(number: int) -> av.VideoFrame:
    """A picture that shows its number."""
    image = av.VideoFrame(SIZE, SIZE, "yuv420p")
    for plane, level in zip(image.planes, (30 + STEP * number, 128, 128)):
        plane.update(bytes([level]) * plane.buffer_size)
    return image


def add_video(container, b_frames, keys):
    options = {"preset": "fast", "bf": str(b_frames), "g": str(keys), "sc_threshold": "0"}
    stream = container.add_stream("libx264", rate=24, options=options | {"crf": "12"})
    stream.time_base = stream.codec_context.time_base = BASE
    stream.width = stream.height = SIZE
    stream.pix_fmt = "yuv420p"
    return stream


def encode_video(stream, times):
    for number, time in enumerate(times):
        image = grey(number)
        image.pts, image.time_base = time, BASE
        yield from stream.encode(image)
    yield from stream.encode(None)


def encode_sound(stream, start, seconds):
    samples = round(seconds * 48000)
    size = stream.codec_context.frame_size or 1024
    wave = (np.sin(np.arange(samples) * 0.05) * 0.2).astype(np.float32)
    form = stream.codec_context.format.name
    for place in range(0, samples - size, size):
        part = wave[None, place : place + size]
        frame = av.AudioFrame.from_ndarray(part, "fltp" if form == "fltp" else "flt", "mono")
        frame.sample_rate, frame.time_base = 48000, Fraction(1, 48000)
        frame.pts = start * 80 + place
        yield from stream.encode(frame)
    yield from stream.encode(None)


def texts(stream, kind, seconds):
    for number in range(int(seconds * 2)):
        words = f"text {number}".encode()
        packet = av.Packet(words if kind == "subrip" else len(words).to_bytes(2, "big") + words)
        packet.pts = packet.dts = 500 * number
        packet.duration, packet.time_base, packet.stream = 300, Fraction(1, 1000), stream
        yield packet


def write(file: File, path: Path) -> None:
    """Write ``file``; packets are interleaved by their decode times."""
    seconds = float(sum(file.gaps) * BASE)
    with av.open(str(path), "w", format=file.form) as container:
        main = add_video(container, file.b_frames, file.keys)
        packets = []
        if file.second_b_frames is not None:
            second = add_video(container, file.second_b_frames, file.keys)
        if file.sound_start is not None:
            sound = container.add_stream(SOUND[file.form], rate=48000, layout="mono")
        text = file.text and TEXT.get(file.form)
        if text:
            words = container.add_mux_stream(text)
            words.time_base = Fraction(1, 1000)
        container.start_encoding()
        packets += encode_video(main, file.times)
        if file.second_b_frames is not None:
            packets += encode_video(second, [30 * number for number in range(8)])
        if file.sound_start is not None:
            packets += encode_sound(sound, file.sound_start, seconds)
        if text:
            packets += texts(words, text, seconds)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            container.mux_one(packet)


def frames_of(path: Path) -> list[tuple[int, Fraction]]:
    """Return the number and the time of each frame; numbers count half frames."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        levels = [
            (float(image.to_ndarray(format="gray").mean()), image.pts * stream.time_base)
            for image in container.decode(stream)
        ]
    return [(round((level - 30) / STEP * 2), time) for level, time in levels]


def others_of(path: Path) -> dict[str, list[list[Fraction]]]:
    """Return the times of the packets of each stream but the first video, by the stream's type."""
    with av.open(str(path)) as container:
        found = {stream.index: (stream.type, []) for stream in container.streams}
        first = container.streams.video[0].index
        for packet in container.demux():
            gap = packet.stream.type == "subtitle" and bytes(packet) == bytes(2)
            if packet.size and not packet.is_discard and not gap:
                found[packet.stream_index][1].append(packet.pts * packet.time_base)
    kinds = {}
    for index, (kind, times) in found.items():
        if index != first and times:
            kinds.setdefault(kind, []).append(times)
    return kinds


def end_of(path: Path) -> Fraction:
    """Return when the last frame of a file ends."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        if "mp4" in container.format.name:
            return (stream.start_time + stream.duration) * stream.time_base
        return max(
            (packet.pts + packet.duration) * packet.time_base
            for packet in container.demux(stream)
            if packet.size and not packet.is_discard
        )


def sum_of_samples(path: Path) -> Fraction:
    """Return the sum of the lengths of a file's video packets."""
    with av.open(str(path)) as container:
        return sum(
            packet.duration * packet.time_base
            for packet in container.demux(video=0)
            if packet.size and not packet.is_discard
        )


def check(file: File, form: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, f"in{SUFFIX[file.form]}"), Path(folder, f"out{SUFFIX[form]}")
        write(file, source)
        if file.form == "mpegts":  # libav takes a shorter one for another format
            assume(source.stat().st_size > 8000)
        options = Options(encoding=Encoding(crf=1), scene_threshold=None, segment=5)
        report = interpolate_video(source, target, options=options, model=Mean())
        given, made = frames_of(source), frames_of(target)
        tick = max(TICK.get(form, Fraction(1, 90000)), Fraction(1, 90000))
        shift = made[0][1] - given[0][1]
        if abs(shift) > tick and form != "mpegts":
            assert any("later" in line for line in report.warnings), (shift, report.warnings)
        # Each source frame is there once, at its time, and one more between each two.
        assert [number for number, _ in made][::2] == [number for number, _ in given]
        assert len(made) == 2 * len(given) - 1
        for (_, before), (_, after) in zip(given, made[::2]):
            assert abs(after - before - shift) <= tick
        # Copied packets are all there, and keep their time relative to the picture.
        missing, kept = 0, others_of(target)
        for kind, streams in others_of(source).items():
            copies = kept.get(kind, [])
            missing += len(streams) - len(copies)
            for times, twins in zip(streams, copies):
                assert len(times) == len(twins)
                for before, after in zip(times, twins):
                    assert abs(after - before - shift) <= 2 * tick
        named = sum(line.count(" stream") for line in report.warnings)
        assert missing <= named, report.warnings
        if form in ("mp4", "mov", "matroska") and file.form != "mpegts":
            length = end_of(source) - given[0][1]
            if end_of(source) <= given[-1][1]:  # a header that contradicts the frames
                return
            assert abs(end_of(target) - made[0][1] - length) <= 2 * tick
            if form != "matroska":
                assert abs(sum_of_samples(target) - length) <= 2 * tick


quiet = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    derandomize=True,
    print_blob=True,
)


@pytest.mark.long
@settings(quiet, max_examples=12)
@given(files, st.sampled_from(sorted(SUFFIX)))
def test_random_files_keep_frames_packets_and_times(file, form):
    check(file, form)


@pytest.mark.slow
@settings(quiet, max_examples=300)
@given(files, st.sampled_from(sorted(SUFFIX)))
def test_many_random_files_keep_frames_packets_and_times(file, form):
    check(file, form)

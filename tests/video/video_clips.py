"""Write small videos for the tests, and read the results."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch
from av.video.frame import VideoFrame
from torch import Tensor

from cdfi.video.pixels.formats import layout, read_components, write_components


class Mean:
    """Stands in for a network: mixes the two frames. Counts its calls."""

    fingerprint = "mean"

    def __init__(self) -> None:
        self.calls = 0

    def between(
        self, frame0: Tensor, frame1: Tensor, times: Sequence[Fraction], tolerance: Fraction, /
    ) -> Iterator[Tensor]:
        self.calls += 1
        return (torch.lerp(frame0, frame1, float(time)) for time in times)


class Stops(Mean):
    """Fails as an interrupted run does, after some calls."""

    def __init__(self, calls: int, error: BaseException) -> None:
        super().__init__()
        self.left, self.error = calls, error

    def between(self, *arguments: Any) -> Iterator[Tensor]:
        self.left -= 1
        if self.left < 0:
            raise self.error
        return super().between(*arguments)


@dataclass
class Clip:
    """What ``write_clip`` writes; ``times`` count ticks of ``time_base``."""

    count: int = 12
    size: tuple[int, int] = (64, 48)
    pix_fmt: str = "yuv420p"
    codec: str = "libx264"
    rate: Fraction = Fraction(25)
    time_base: Fraction | None = None
    times: Sequence[int] | None = None
    options: dict[str, str] = field(default_factory=lambda: {"preset": "ultrafast", "crf": "10"})
    colour: tuple[int, int, int, int] = (2, 2, 2, 0)  # matrix, primaries, transfer, range
    audio: bool = False


def picture(number: int, clip: Clip) -> VideoFrame:
    """A smooth pattern that moves with ``number``."""
    width, height = clip.size
    form = layout(clip.pix_fmt)
    parts = []
    for index in range(len(form.planes)):
        rows, columns = form.size(index, width, height)
        across = torch.arange(columns)[None] * (6.28 / columns) + number * 0.15 + index
        down = torch.arange(rows)[:, None] * (6.28 / rows)
        parts.append((0.5 + 0.3 * torch.sin(across) * torch.cos(down)) * form.peak)
    return write_components(parts, clip.pix_fmt)


def write_clip(path: Path, clip: Clip | None = None, frames: Iterable[Any] | None = None) -> Path:
    """Write a moving pattern (or ``frames``) to ``path``."""
    clip = clip or Clip()
    time_base = clip.time_base or 1 / clip.rate
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            clip.codec, rate=clip.rate, options=clip.options, time_base=time_base
        )
        stream.time_base = time_base
        stream.width, stream.height = clip.size
        stream.pix_fmt = clip.pix_fmt
        context = stream.codec_context
        context.colorspace, context.color_primaries, context.color_trc, context.color_range = (
            clip.colour
        )
        if layout(clip.pix_fmt).alpha:
            stream.metadata["alpha_mode"] = "1"
        sound = container.add_stream("aac", rate=48000, layout="mono") if clip.audio else None
        images = frames or (picture(number, clip) for number in range(clip.count))
        times = clip.times or range(10**6)
        for time, image in zip(times, images):
            image.pts, image.time_base, image.pict_type = time, time_base, 0
            container.mux(stream.encode(image))
        container.mux(stream.encode(None))
        if sound is not None:
            add_tone(container, sound, float(clip.count / clip.rate))
    return path


def add_tone(container: Any, stream: Any, seconds: float) -> None:
    """Encode a tone."""
    samples = int(seconds * 48000)
    wave = (np.sin(np.arange(samples) * 0.05) * 0.2).astype(np.float32)
    frame = av.AudioFrame.from_ndarray(wave[None], "fltp", "mono")
    frame.sample_rate, frame.pts = 48000, 0
    fifo = av.AudioFifo()
    fifo.write(frame)
    while (part := fifo.read(1024, partial=True)) is not None:
        container.mux(stream.encode(part))
    container.mux(stream.encode(None))


def times_of(path: Path) -> list[Fraction]:
    """When each frame is shown, in seconds."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return [frame.pts * stream.time_base for frame in container.decode(stream)]


def images_of(path: Path) -> list[VideoFrame]:
    """All decoded frames."""
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def samples_of(path: Path) -> list[list[np.ndarray[Any, Any]]]:
    """The codes of each component of each frame."""
    return [
        [component.numpy().copy() for component in read_components(image)]
        for image in images_of(path)
    ]


def packets_of(path: Path, kind: str) -> list[tuple[Fraction, bytes]]:
    """Time and content of each packet of the streams of a kind."""
    with av.open(str(path)) as container:
        streams = [stream for stream in container.streams if stream.type == kind]
        if not streams:  # demuxing no stream would mean all of them
            return []
        return [
            (packet.pts * packet.time_base, bytes(packet))
            for packet in container.demux(*streams)
            if packet.size
        ]


class Dies(Mean):
    """Ends its process without an error, as the system does if memory runs out."""

    def between(self, *arguments: Any) -> Iterator[Tensor]:
        os._exit(9)


def prefetch_threads() -> set[threading.Thread]:
    """Return the threads that decode or interpolate in advance."""
    return {thread for thread in threading.enumerate() if thread.name == "cdfi-prefetch"}

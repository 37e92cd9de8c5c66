"""How fast is the video pipeline, and how much time does it add to that of the network?

    python benchmarks/video_pipeline.py

First the pipeline with a network that does nothing: frames per second at 480p and 1080p, encoder
preset ultrafast. Then the default network at 480p: wall time over the network's own time.
"""

import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from machine import machine
from torch import Tensor

from cdfi.video import Encoding, FrameInterpolator, ModelSpec, Options, interpolate_video

SIZES = {"480p": (854, 480, 300), "1080p": (1920, 1080, 120)}
OPTIONS = Options(encoding=Encoding(preset="ultrafast"))


class Nothing:
    """A network that returns the first frame."""

    def between(
        self, frame0: Tensor, frame1: Tensor, times: Sequence[Fraction], tolerance: Fraction, /
    ) -> Iterator[Tensor]:
        return (frame0 for _ in times)


class Timed:
    """Any network, with the time spent in it."""

    def __init__(self, interpolator: FrameInterpolator) -> None:
        self.interpolator, self.seconds = interpolator, 0.0

    def between(
        self, frame0: Tensor, frame1: Tensor, times: Sequence[Fraction], tolerance: Fraction, /
    ) -> Iterator[Tensor]:
        begin = time.perf_counter()
        frames = list(self.interpolator.between(frame0, frame1, times, tolerance))
        self.seconds += time.perf_counter() - begin
        return iter(frames)


def write_source(path: Path, width: int, height: int, count: int) -> None:
    """Blocks that move over each other: no frame repeats, as in real footage."""
    blocks = np.random.default_rng(0).integers(0, 256, (height // 8 + 80, width // 8 + 80, 3))
    image = blocks.astype(np.uint8).repeat(8, 0).repeat(8, 1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"preset": "fast", "crf": "23"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(count):
            y, x = number * 2 % 600, number * 3 % 600
            part = np.ascontiguousarray(image[y : y + height, x : x + width])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(part, "rgb24")))
        container.mux(stream.encode(None))


def main() -> None:
    result: dict[str, object] = {"question": (__doc__ or "").splitlines()[0]}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size, (width, height, count) in SIZES.items():
            source = folder / f"{size}.mp4"
            write_source(source, width, height, count)
            interpolate_video(
                source, folder / "warm.mp4", options=OPTIONS, model=Nothing(), overwrite=True
            )
            wall, work = time.perf_counter(), time.process_time()
            report = interpolate_video(
                source, folder / f"{size}_2x.mp4", options=OPTIONS, model=Nothing()
            )
            if report.frames != 2 * count - 1:
                raise SystemExit(f"nothing is reported: {report.frames} frames of {count}")
            wall, work = time.perf_counter() - wall, time.process_time() - work
            result[size] = {
                "frames_per_second": report.frames / wall,
                "processor_milliseconds": work / report.frames * 1000,
            }
        source = folder / "short.mp4"
        write_source(source, 854, 480, 12)
        interpolator = Timed(ModelSpec().build())
        interpolate_video(source, folder / "warm2.mp4", options=OPTIONS, model=interpolator)
        interpolator.seconds = 0.0
        wall = time.perf_counter()
        interpolate_video(source, folder / "short_2x.mp4", options=OPTIONS, model=interpolator)
        wall = time.perf_counter() - wall
        result["480p, default network"] = {
            "seconds": wall,
            "network_seconds": interpolator.seconds,
            "ratio": wall / interpolator.seconds,
        }
    print(json.dumps({**result, "machine": machine()}, indent=2))


if __name__ == "__main__":
    main()

"""FFmpeg's ``minterpolate`` filter on two frames."""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from cdfi.evaluation.data.layouts import HALF
from cdfi.evaluation.data.rgb_images import RgbImage
from cdfi.video.pixels.formats import reformatted

# Motion-compensated, overlapped blocks; two frames are no scene cut, however different. The
# filter's default search, bilat, gives different images from one run to the next; bidir does not.
OPTIONS = "fps={rate}:mi_mode=mci:mc_mode=aobmc:me_mode=bidir:scd=none"
# The filter does not accept RGB; this format keeps the colours at full resolution.
FORMAT = "yuv444p"
# The filter reads one frame on each side of a pair.
ORDER = (0, 0, 1, 1)


def minterpolate(frame0: RgbImage, frame1: RgbImage, t: Fraction = HALF) -> RgbImage:
    """Return the frame at ``t`` by FFmpeg's block motion compensation (``minterpolate``).

    The filter gets each frame twice, at one frame a second, and outputs as many frames a second as
    the denominator of ``t``; one of those between the second and the third input is the result.

    Raises:
        ValueError: the images are too small for the filter.
    """
    made = list(_filtered(frame0, frame1, t.denominator))
    wanted = t.denominator + t.numerator
    if len(made) <= wanted:
        height, width = frame0.shape[:2]
        raise ValueError(f"{width} x {height} pixels are too small for FFmpeg's minterpolate")
    return made[wanted]


def _filtered(frame0: RgbImage, frame1: RgbImage, rate: int) -> Iterator[RgbImage]:
    """Yield the output of the filter at ``rate`` frames a second."""
    import av
    from av.filter import Graph

    height, width = frame0.shape[:2]
    graph, tick = Graph(), Fraction(1, 1)
    source = graph.add_buffer(
        width=width, height=height, format=av.VideoFormat(FORMAT), time_base=tick
    )
    sink = graph.add("buffersink")
    graph.link_nodes(source, graph.add("minterpolate", OPTIONS.format(rate=rate)), sink).configure()
    for pts, which in enumerate(ORDER):
        pixels = np.ascontiguousarray((frame0, frame1)[which])
        frame = reformatted(av.VideoFrame.from_ndarray(pixels, format="rgb24"), FORMAT)
        frame.pts, frame.time_base = pts, tick
        source.push(frame)
    source.push(None)
    while True:
        try:
            made = sink.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        assert isinstance(made, av.VideoFrame)
        yield reformatted(made, "rgb24").to_ndarray().astype(np.uint8, copy=False)

"""Reduce frames to 256 colours, one of them transparent, for GIF."""

from __future__ import annotations

from fractions import Fraction

import av
from av.video.frame import VideoFrame

OPAQUE = 128  # alpha, of 255, from which on a pixel is drawn


def with_palette(image: VideoFrame) -> VideoFrame:
    """Return an RGBA frame with a palette of its own (libav's ``palettegen``)."""
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=image.width, height=image.height, format=image.format, time_base=Fraction(1, 1000)
    )
    split, sink = graph.add("split"), graph.add("buffersink")
    generate = graph.add("palettegen", "reserve_transparent=1:stats_mode=single")
    use = graph.add("paletteuse", f"new=1:alpha_threshold={OPAQUE}:dither=bayer")
    source.link_to(split)
    split.link_to(generate, output_idx=0)
    split.link_to(use, output_idx=1, input_idx=0)
    generate.link_to(use, input_idx=1)
    use.link_to(sink)
    graph.configure()
    image.pts, image.time_base = 0, Fraction(1, 1000)
    source.push(image)
    source.push(None)
    result = sink.pull()
    assert isinstance(result, VideoFrame)
    return result

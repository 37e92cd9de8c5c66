"""Interlaced frames to progressive ones, through libav's bwdif filter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import av

from cdfi.video.reading.source import Source
from cdfi.video.timing.frame import SourceFrame


def deinterlaced(frames: Iterable[SourceFrame], source: Source) -> Iterator[SourceFrame]:
    """Yield a progressive frame for each of ``frames``, at the same times.

    Of a source that is interlaced in parts, frames that are flagged progressive stay as they are.
    """
    graph, entry, sink = None, None, None
    for frame in frames:
        image = frame.image
        if graph is None:
            graph = av.filter.Graph()
            entry = graph.add_buffer(
                width=image.width,
                height=image.height,
                format=image.format,
                time_base=source.time_base,
            )
            sink = graph.add("buffersink")
            which = "interlaced" if source.mixed else "all"
            bwdif = graph.add("bwdif", f"mode=send_frame:deint={which}")
            graph.link_nodes(entry, bwdif, sink).configure()
        assert entry is not None
        assert sink is not None
        image.pts, image.time_base = frame.pts, source.time_base
        entry.push(image)
        yield from _ready(sink, source)
    if entry is not None and sink is not None:
        entry.push(None)
        yield from _ready(sink, source)


def _ready(sink: av.filter.context.FilterContext, source: Source) -> Iterator[SourceFrame]:
    """Yield what the filter has finished."""
    while True:
        try:
            image = sink.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        assert isinstance(image, av.VideoFrame)
        assert image.pts is not None
        assert image.time_base
        yield SourceFrame(round(image.pts * image.time_base / source.time_base), image)

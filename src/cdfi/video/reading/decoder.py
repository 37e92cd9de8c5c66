"""The decoder of a video stream."""

from __future__ import annotations

import av
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

# libav's own VP8 and VP9 decoders leave the alpha channel out; libvpx's keep it.
WITH_ALPHA = {"vp8": "libvpx", "vp9": "libvpx-vp9"}


def decoder_for(stream: VideoStream, threads: int = 0) -> VideoCodecContext:
    """Return a decoder for ``stream``'s packets, which keeps alpha.

    Args:
        stream: an open video stream.
        threads: how many threads decode; 0 means one for each processor.
    """
    name = WITH_ALPHA.get(stream.codec_context.name)
    if name and any(
        key.lower() == "alpha_mode" and value == "1" for key, value in stream.metadata.items()
    ):
        context = av.CodecContext.create(name, "r")
        assert isinstance(context, VideoCodecContext)
        context.extradata = stream.codec_context.extradata
        context.thread_count = threads
        return context
    stream.thread_type, stream.codec_context.thread_count = "AUTO", threads
    return stream.codec_context

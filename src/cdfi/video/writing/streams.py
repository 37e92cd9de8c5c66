"""The source's other streams - audio, subtitles, attachments, chapters - in the result."""

from __future__ import annotations

import io

import av
from av.container import InputContainer, OutputContainer
from av.stream import Discard, Stream

from cdfi.video.options import Options
from cdfi.video.writing.copy_packets import Copied

CONTAINER_TAGS = {"major_brand", "minor_version", "compatible_brands", "encoder"}


def add_streams(
    source: InputContainer, target: OutputContainer, video: Stream, options: Options
) -> Copied:
    """Add to ``target`` a copy of every stream of ``source`` but ``video`` that it can hold."""
    copied = Copied(source, {}, [], target.format.name)
    for stream in source.streams:
        audible = stream.type == "audio" and options.sound != "copy"
        if stream.index == video.index or audible or stream.discard == Discard.all:
            continue  # libav discards QuickTime's chapter tracks: they are written anew
        if not _holds(target.format.name, stream):
            name = stream.name or (stream.codec_context.name if stream.codec_context else "unknown")
            copied.left_out.append(f"{stream.type} stream {stream.index} ({name})")
            continue
        made = target.add_stream_from_template(stream, opaque=True)
        made.metadata.update(plain_tags(stream.metadata))
        made.disposition = stream.disposition
        copied.streams[stream.index] = made
    return copied


def plain_tags(metadata: dict[str, str]) -> dict[str, str]:
    """The tags that describe the content, not the file it was in."""
    return {
        key: value
        for key, value in metadata.items()
        if key.lower() not in CONTAINER_TAGS and key.upper() != "DURATION"
    }


def _holds(format_name: str, stream: Stream) -> bool:
    """Whether a file of the format can hold ``stream``: libav is asked to begin one that does."""
    if stream.type == "attachment":
        return format_name == "matroska"
    try:
        with av.open(io.BytesIO(), "w", format=format_name) as trial:
            trial.add_stream_from_template(stream, opaque=True)
            trial.start_encoding()
    except (av.error.FFmpegError, ValueError):
        return False
    return True

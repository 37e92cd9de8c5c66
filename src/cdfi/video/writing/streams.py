"""The source's other streams in the result: audio, subtitles, covers, attachments, chapters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from av.container import InputContainer, OutputContainer
from av.stream import Discard, Stream

from cdfi.video.reading.container import is_cover, open_media
from cdfi.video.writing.codecs import ContainerRow
from cdfi.video.writing.copy_packets import Copied
from cdfi.video.writing.tags import QUICKTIME, stream_tags

IGNORED = "ignored"  # streams that are left out without a message
COVER_NAMES = {"mjpeg": ("cover.jpg", "image/jpeg"), "png": ("cover.png", "image/png")}


@dataclass(frozen=True)
class StreamPlan:
    """What happens to the source's other streams, by their index in the source.

    Attributes:
        copied: streams whose packets are copied.
        attached: cover pictures that become attachments.
        stretched: audio streams that are encoded again, slower.
        left_out: descriptions of what the result does not hold.
    """

    copied: tuple[int, ...] = ()
    attached: tuple[int, ...] = ()
    stretched: tuple[int, ...] = ()
    left_out: tuple[str, ...] = ()


def plan_streams(source: InputContainer, row: ContainerRow, video: int, audio: str) -> StreamPlan:
    """Return what should happen to the streams of ``source`` in a container.

    Args:
        source: the open file.
        row: the container of the result.
        video: index of the video stream that is interpolated.
        audio: "copy", "stretch" or "drop".
    """
    fields: dict[str, list[int]] = {"copied": [], "attached": [], "stretched": []}
    left_out = []
    for stream in source.streams:
        if stream.index == video or stream.discard == Discard.all:
            continue  # libav discards QuickTime's chapter tracks: they are written anew
        field = _field_for(stream, row, audio)
        if field in fields:
            fields[field].append(stream.index)
        elif field != IGNORED:
            left_out.append(describe(stream))
    return StreamPlan(
        **{name: tuple(indices) for name, indices in fields.items()}, left_out=tuple(left_out)
    )


def _field_for(stream: Stream, row: ContainerRow, audio: str) -> str:
    """Return the field of the plan for ``stream``, ``IGNORED``, or "" if it is left out."""
    if stream.type == "audio" and audio != "copy":
        return ("stretched" if row.sound else "") if audio == "stretch" else IGNORED
    if stream.type == "data" and "timecode" in stream.metadata and row.format in QUICKTIME:
        return IGNORED  # the muxer writes this track itself, from the video's tag
    if is_cover(stream):
        return {"stream": "copied", "attachment": "attached"}.get(row.covers, "")
    if stream.type == "attachment":
        return "copied" if row.attachments else ""
    return "copied"


def describe(stream: Stream) -> str:
    """Return a description of ``stream`` for messages."""
    # Without a decoder, a stream has neither a name nor a context.
    context = stream.codec_context
    name = getattr(stream, "name", None) or (context.name if context else None)
    kind = "cover picture" if is_cover(stream) else f"{stream.type} stream"
    return f"{kind} {stream.index} ({name or 'unknown'})"


def add_streams(
    source: InputContainer, path: Path, target: OutputContainer, plan: StreamPlan
) -> Copied:
    """Add the streams that ``plan`` copies or attaches to ``target``.

    Raises:
        ValueError, av.error.FFmpegError: libav's container refuses one of them.
    """
    copied = Copied(source, {}, [], target.format.name)
    for index in plan.copied:
        stream = source.streams[index]
        copy = target.add_stream_from_template(stream, opaque=True)
        copy.metadata.update(stream_tags(stream.metadata, target.format.name))
        copy.disposition = stream.disposition
        copied.streams[index] = copy
    for index in plan.attached:
        _attach(path, index, target)
    return copied


def _attach(path: Path, index: int, target: OutputContainer) -> None:
    """Write the cover picture ``index`` of the file at ``path`` as an attachment."""
    with open_media(path) as container:
        stream = container.streams[index]
        content = next((bytes(p) for p in container.demux(stream) if p.size), b"")
        name, mime = COVER_NAMES.get(stream.codec_context.name, ("cover", "image/unknown"))
        name = stream.metadata.get("filename", name)
        target.add_attachment(name, stream.metadata.get("mimetype", mime), content)

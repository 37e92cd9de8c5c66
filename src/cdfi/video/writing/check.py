"""Compare a written file with the plan, and describe every difference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from cdfi.common.files import media_url
from cdfi.video.reading.container import is_cover
from cdfi.video.reading.side_data import side_data

#: Side data by which the first frames of source and result are compared -> its description.
SIDE_DATA = {
    Type.DISPLAYMATRIX: "the rotation",
    Type.SPHERICAL: "the spherical mapping",
    Type.STEREO3D: "the stereo layout",
    Type.MASTERING_DISPLAY_METADATA: "the mastering display",
    Type.CONTENT_LIGHT_LEVEL: "the content light level",
    Type.ICC_PROFILE: "the ICC profile",
    Type.A53_CC: "closed captions in the picture",
    Type.DYNAMIC_HDR_PLUS: "HDR10+ metadata",
    Type.DYNAMIC_HDR_VIVID: "HDR Vivid metadata",
    Type.DOVI_METADATA: "Dolby Vision metadata",
    Type.DOVI_RPU_BUFFER: "Dolby Vision metadata",
    Type.AMBIENT_VIEWING_ENVIRONMENT: "the ambient viewing environment",
}
#: Tags that containers write in their own way.
REWRITTEN = {
    "creation_time",
    "language",
    "encoder",
    "handler_name",
    "filename",
    "mimetype",
    "alpha_mode",
}
ATTACHED = ("cover", "attachment")
ASPECT_ERROR = 0.01  # WebM stores the shape of pixels as whole numbers of pixels
OPENING = 64  # packets in which the earliest frame is looked for


@dataclass(frozen=True)
class Contents:
    """What a file holds.

    Attributes:
        kinds: types of its streams.
        tags: of the file, with names in lower case.
        stream_tags: of each stream that is not an attachment.
        chapters: how many there are.
        aspect: width to height of a pixel; None if it is unknown.
        start: when its first frame is shown, in seconds.
        tick: the unit of the video's times, in seconds.
    """

    kinds: tuple[str, ...]
    tags: Mapping[str, str]
    stream_tags: tuple[Mapping[str, str], ...]
    chapters: int
    aspect: Fraction | None
    start: Fraction
    tick: Fraction


def differences(path: Path, expected: Contents) -> list[str]:
    """Return what the file at ``path`` does not hold as it was planned, a clause for each."""
    with av.open(media_url(path), metadata_errors="replace") as written:
        video = written.streams.video[0]
        packets = (p for p, _ in zip(written.demux(video), range(OPENING)))
        times = [packet.pts for packet in packets if packet.size and packet.pts is not None]
        tick = video.time_base or Fraction(1)
        start = min(times, default=0) * tick
        found = contents_of(written, video, video.sample_aspect_ratio, start)
    lost = []
    for kind, count in (Counter(expected.kinds) - Counter(found.kinds)).items():
        lost.append(f"{count} {kind} stream{'s' if count > 1 else ''}")
    lost += _lost_tags(expected, found)
    if found.chapters < expected.chapters:
        lost.append(f"{expected.chapters - found.chapters} chapters")
    shape = (found.aspect or Fraction(1)) / (expected.aspect or Fraction(1))
    if abs(float(shape) - 1) > ASPECT_ERROR:
        lost.append(f"pixels of {expected.aspect or 1} (width to height)")
    moved = found.start - expected.start
    if abs(moved) >= max(2 * tick, Fraction(1, 1000)):
        lost.append(f"the start of its times (all streams are {float(moved):.3g} s later)")
    return lost


def lost_side_data(source: Iterable[Type], result: Iterable[Type]) -> list[str]:
    """Return, in words, what the frames of ``source`` carry and those of ``result`` do not."""
    kept = set(result)
    return list(dict.fromkeys(SIDE_DATA[k] for k in source if k in SIDE_DATA and k not in kept))


def side_data_of(image: VideoFrame) -> list[Type]:
    """Return the kinds of side data that a frame carries."""
    return [entry.type for entry in side_data(image)]


def contents_of(
    container: Any, video: VideoStream, aspect: Fraction | None, start: Fraction
) -> Contents:
    """Return what a container holds, or is about to hold.

    Args:
        container: open for reading, or for writing with all its streams, tags and chapters.
        video: its video stream.
        aspect: width to height of a pixel; None if it is unknown.
        start: when its first frame is shown, in seconds.
    """
    kinds = [_kind(stream) for stream in container.streams]
    media = [s for kind, s in zip(kinds, container.streams) if kind not in ATTACHED]
    return Contents(
        kinds=tuple(kinds),
        tags=_lower(container.metadata),
        stream_tags=tuple(_lower(stream.metadata) for stream in media),
        chapters=len(container.chapters()),
        aspect=aspect,
        start=start,
        tick=video.time_base or Fraction(1),
    )


def _kind(stream: Any) -> str:
    """Return the type of a stream; covers are one kind, whatever a container stores them as."""
    mime = str(stream.metadata.get("mimetype", ""))
    if is_cover(stream) or mime.startswith("image/"):
        return "cover"
    return str(stream.type)


def _lost_tags(expected: Contents, found: Contents) -> list[str]:
    lost = [f"tag {key}" for key in _missing(expected.tags, found.tags)]
    for index, (tags, kept) in enumerate(zip(expected.stream_tags, found.stream_tags)):
        lost += [f"tag {key} of stream {index}" for key in _missing(tags, kept)]
    return lost


def _missing(tags: Mapping[str, str], kept: Mapping[str, str]) -> list[str]:
    return [key for key, value in tags.items() if key not in REWRITTEN and kept.get(key) != value]


def _lower(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return tags with the names by which they are compared."""
    tags = {key.lower(): value for key, value in metadata.items()}
    if "name" in tags:
        tags.setdefault("title", tags["name"])
    return tags

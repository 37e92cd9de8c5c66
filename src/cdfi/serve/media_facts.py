"""Facts about a video or an image: size, rate, length, streams, warnings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from av.stream import Stream
from PIL import Image
from PIL.ExifTags import Base

from cdfi.common.image_numbers import images_of
from cdfi.serve.media_names import IMAGES, suffix_of
from cdfi.video.pixels.formats import layout
from cdfi.video.pixels.orientation import orientation
from cdfi.video.reading.container import open_media
from cdfi.video.reading.index import Index, read_index
from cdfi.video.reading.interlacing import survey_fields
from cdfi.video.reading.source import Source, read_source

TRANSPOSED = (5, 6, 7, 8)  # orientations of Exif whose rows are shown as columns
TRANSFERS = {16: "HDR (PQ)", 18: "HDR (HLG)"}  # by libav's AVColorTransferCharacteristic


def facts(paths: list[str]) -> dict[str, Any]:
    """Return facts about the files at ``paths``, as JSON values.

    Raises:
        OSError, ValueError: a file cannot be read.
    """
    first = Path(paths[0])
    if first.is_dir():
        found = images_of(first).paths
        if not found:
            raise ValueError(f"{first.name}: there are no images in the folder")
        return _image_facts(found)
    if suffix_of(first.name) in IMAGES:
        return _image_facts([Path(path) for path in paths])
    return _video_facts(first)


def _image_facts(paths: list[Path]) -> dict[str, Any]:
    """Return the number of images, and the size of the first one as it is shown."""
    with Image.open(paths[0]) as image:
        is_transposed = image.getexif().get(Base.Orientation, 1) in TRANSPOSED
        size = image.size[::-1] if is_transposed else image.size
    return {"kind": "images", "size": [*size], "count": len(paths), "warnings": []}


def _video_facts(path: Path) -> dict[str, Any]:
    index = read_index(path)
    source = survey_fields(read_source(path), index)
    with open_media(path) as container:
        streams = [_stream(stream) for stream in container.streams]
        name = container.format.long_name
    duration = float((index.end - index.first) * index.time_base)
    return {
        "kind": "video",
        "size": [*orientation(source.matrix).shown_size(source.width, source.height)],
        "rate": round(float(index.rate), 3),
        "variable": _is_variable(index),
        "frames": len(index.times),
        "duration": round(duration, 3),
        "pixel_format": source.pix_fmt,
        "bits": layout(source.pix_fmt).bits,
        "dynamic_range": TRANSFERS.get(source.colour.transfer, "SDR"),
        "interlaced": source.interlaced,
        "turned": source.matrix is not None,
        "container": name,
        "streams": streams,
        "warnings": _warnings(source, index),
    }


def _is_variable(index: Index) -> bool:
    """Return whether the distances of frames differ by more than rounding."""
    steps = np.diff(index.times)
    return bool(len(steps) and int(steps.max()) - int(steps.min()) > max(2, index.step // 50))


def _stream(stream: Stream) -> dict[str, Any]:
    context = stream.codec_context
    row = {"type": stream.type, "codec": context.name if context is not None else "unknown"}
    language = stream.metadata.get("language", "und")
    return row if language == "und" else {**row, "language": language}


def _warnings(source: Source, index: Index) -> list[str]:
    lines = [*index.warnings, *([index.damage] if index.damage else [])]
    if source.interlaced:
        lines.append("interlaced: it must be deinterlaced first")
    return lines

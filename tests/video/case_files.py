"""Small files with one fault or peculiarity each; see ``cases/``."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import av

from cdfi.common.files import media_url
from cdfi.video import Options, VideoReport, interpolate_video
from tests.video.video_clips import Mean

CASES = Path(__file__).parent / "cases"


def make(name: str, target: Path, **options: Any) -> VideoReport:
    """Interpolate the case ``name`` into ``target`` with a stand-in for the network."""
    return interpolate_video(CASES / name, target, options=Options(**options), model=Mean())


def copy(name: str, target: Path) -> Path:
    """Copy the case ``name`` to ``target``."""
    return Path(shutil.copyfile(CASES / name, target))


def kinds_of(path: Path) -> list[str]:
    """Return the types of a file's streams."""
    with av.open(media_url(path)) as container:
        return [stream.type for stream in container.streams]


def tags_of(path: Path, stream: int | None = None) -> dict[str, str]:
    """Return a file's or a stream's tags."""
    with av.open(media_url(path)) as container:
        return dict(container.metadata if stream is None else container.streams[stream].metadata)


def sample_table_seconds(path: Path) -> float:
    """Return the sum of the durations in the first ``stts`` box of an MP4 file, in seconds."""
    data = path.read_bytes()
    header, table = data.index(b"mdhd"), data.index(b"stts")
    version = data[header + 4]
    at = header + (24 if version else 16)
    scale = int.from_bytes(data[at : at + 4], "big")
    count = int.from_bytes(data[table + 8 : table + 12], "big")
    total = 0
    for entry in range(count):
        at = table + 12 + 8 * entry
        samples, delta = (int.from_bytes(data[at + k : at + k + 4], "big") for k in (0, 4))
        total += samples * delta
    return total / scale

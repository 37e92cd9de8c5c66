"""The side data of a frame."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from av.sidedata.sidedata import SideData
from av.video.frame import VideoFrame


def side_data(frame: VideoFrame) -> list[SideData]:
    """Return the side data of ``frame``; none if PyAV does not know the type of one of them."""
    try:
        return list(cast(Iterable[SideData], frame.side_data))
    except ValueError:  # a type that libav has and PyAV's list lacks, as TIFF images have
        return []

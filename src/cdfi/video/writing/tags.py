"""Tags of files and streams: which are kept, and under which names."""

from __future__ import annotations

from collections.abc import Mapping

#: Tags that describe the source file or its encoding, not its content.
CONTAINER_TAGS = {
    "major_brand",
    "minor_version",
    "compatible_brands",
    "encoder",
    "duration",
    "vendor_id",
    "alpha_mode",
}
#: The same, by their first letters: statistics that Matroska's tools write.
STATISTICS = ("bps", "number_of_frames", "number_of_bytes", "_statistics")
QUICKTIME = ("mp4", "mov")
#: Tags that QuickTime keeps only in its list of named values.
NAMED_VALUES = ("com.apple.quicktime.", "com.android.")


def plain_tags(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return the tags that describe the content, not the file it was in."""
    return {key: value for key, value in metadata.items() if _describes_content(key.lower())}


def stream_tags(metadata: Mapping[str, str], form: str) -> dict[str, str]:
    """Return the tags of a stream for a container.

    MP4 calls a track's title "name" when it is read, but takes "title" when it is written; other
    containers have no use for the names of its handlers.
    """
    tags = plain_tags(metadata)
    for key in [key for key in tags if key.lower() == "name"]:
        tags.setdefault("title", tags.pop(key))
    if form not in QUICKTIME:
        tags = {key: value for key, value in tags.items() if key.lower() != "handler_name"}
    return tags


def needs_named_values(metadata: Mapping[str, str]) -> bool:
    """Return whether QuickTime needs its list of named values to keep the tags."""
    return any(key.lower().startswith(NAMED_VALUES) for key in metadata)


def _describes_content(key: str) -> bool:
    return key not in CONTAINER_TAGS and not key.startswith(STATISTICS)

"""Encoders and containers: rows of defaults, and which container holds which codec.

PyAV and PyTorch are imported inside functions: the command line looks up names before it imports
them.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from cdfi.common.choices import did_you_mean
from cdfi.video.writing.y4m_formats import COLOURS


@dataclass(frozen=True)
class CodecRow:
    """An encoder of libav with our defaults.

    Attributes:
        encoder: libav's name.
        quality: the option that ``--crf`` sets, "" if there is none.
        speed: the option that ``--preset`` sets, "" if there is none.
        options: defaults.
        even: whether subsampled chroma needs even sizes.
        formats: the formats to choose from; none means those that libav lists.
        pix_fmt: the only format to encode; "" leaves the choice to the source.
        alpha_pix_fmt: the same, for sources with an alpha channel.
    """

    encoder: str
    quality: str = "crf"
    speed: str = "preset"
    options: Mapping[str, str] = field(default_factory=dict)
    even: bool = False
    formats: tuple[str, ...] = ()
    pix_fmt: str = ""
    alpha_pix_fmt: str = ""


Y4M = "yuv4mpegpipe"
X26X = {"crf": "18", "preset": "medium"}
CODECS = {
    "h264": CodecRow("libx264", options=X26X, even=True),
    "hevc": CodecRow("libx265", options=X26X, even=True),
    "av1": CodecRow("libsvtav1", options={"crf": "24", "preset": "7"}),
    "vp9": CodecRow(
        "libvpx-vp9",
        speed="cpu-used",
        options={"crf": "24", "b": "0", "cpu-used": "3", "row-mt": "1", "auto-alt-ref": "0"},
    ),
    "prores": CodecRow("prores_ks", quality="", speed="profile", options={"vendor": "apl0"}),
    "ffv1": CodecRow("ffv1", quality="", speed="", options={"level": "3", "slicecrc": "1"}),
    "png": CodecRow("png", quality="", speed=""),
    "rawvideo": CodecRow("rawvideo", quality="", speed="", formats=tuple(COLOURS)),
    "gif": CodecRow("gif", quality="", speed="", pix_fmt="rgb8", alpha_pix_fmt="pal8"),
}


@dataclass(frozen=True)
class ContainerRow:
    """A container.

    Attributes:
        format: libav's name.
        plain: the codec for 8 bits.
        deep: the codec for more bits.
        alpha: the codec for an alpha channel; "" if the container has none for it.
        sound: the encoder for slowed sound; "" if the container holds no sound.
        covers: how cover pictures are kept: as a "stream", as an "attachment", or "" not at all.
        attachments: whether it holds attached files such as fonts.
    """

    format: str
    plain: str = "h264"
    deep: str = "hevc"
    alpha: str = ""
    sound: str = "aac"
    covers: str = ""
    attachments: bool = False


CONTAINERS = {
    ".mp4": ContainerRow("mp4", covers="stream"),
    ".m4v": ContainerRow("mp4", covers="stream"),
    ".mkv": ContainerRow("matroska", alpha="ffv1", covers="attachment", attachments=True),
    ".mov": ContainerRow("mov", alpha="prores", covers="stream"),
    ".webm": ContainerRow("webm", plain="vp9", deep="av1", alpha="vp9", sound="libopus"),
    ".gif": ContainerRow("gif", plain="gif", deep="gif", sound=""),
    ".ts": ContainerRow("mpegts"),
    ".nut": ContainerRow("nut", deep="ffv1", alpha="ffv1"),
    ".y4m": ContainerRow(Y4M, plain="rawvideo", deep="rawvideo", alpha="rawvideo", sound=""),
    ".webp": ContainerRow("webp", plain="png", deep="png", alpha="png", sound=""),
    ".apng": ContainerRow("apng", plain="png", deep="png", alpha="png", sound=""),
}
#: Formats that are written from the decoded frames of all segments.
ANIMATIONS = ("webp", "apng")
PATTERN = {
    ".png": ContainerRow("image2", plain="png", deep="png", alpha="png", sound=""),
}
_NUMBER = re.compile(r"%\d{0,2}[di]")


def container_row(target: Path) -> ContainerRow:
    """Return the row for the suffix of ``target``.

    Raises:
        ValueError: the suffix is unknown.
    """
    rows = PATTERN if is_pattern(target) else CONTAINERS
    row = rows.get(target.suffix.lower())
    if row is None:
        raise ValueError(
            f"{target}: unsupported container {target.suffix or '(no suffix)'}; expected one of "
            f"{', '.join(CONTAINERS)}, or a pattern of images such as frame%05d.png"
        )
    return row


def is_pattern(target: Path) -> bool:
    """Return whether ``target`` names numbered images, such as ``frame%05d.png``.

    Only names with the suffix of an image are patterns: ``50%d.mp4`` is a file's name.
    """
    return target.suffix.lower() in PATTERN and _NUMBER.search(target.name) is not None


def is_animation_name(target: Path) -> bool:
    """Return whether ``target`` names an animated image, which Pillow writes."""
    row = CONTAINERS.get(target.suffix.lower())
    return row is not None and row.format in ANIMATIONS


def numbered(pattern: Path) -> list[Path]:
    """Return the existing files whose names match ``pattern``.

    Raises:
        ValueError: the pattern has not exactly one number in it.
    """
    parts = _NUMBER.split(pattern.name)
    if len(parts) != 2 or any("%" in part.replace("%%", "") for part in parts):
        raise ValueError(
            f"{pattern}: expected a pattern with one number in it, such as frame%05d.png"
        )
    before, after = (re.escape(part.replace("%%", "%")) for part in parts)
    name = re.compile(rf"{before} *\d+{after}")
    return sorted(path for path in pattern.parent.iterdir() if name.fullmatch(path.name))


def codec_row(name: str | None, target: Path, pix_fmt: str) -> CodecRow:
    """Return the encoder ``name``, by default the one for the container and the source.

    Args:
        name: a row of ``CODECS`` or a video encoder of libav, hardware encoders included.
        target: path of the result.
        pix_fmt: of the source.

    Raises:
        ValueError: there is no such encoder; the message names similar ones.
    """
    if name is None:
        from cdfi.video.pixels.formats import layout

        row, form = container_row(target), layout(pix_fmt)
        chosen = row.alpha if form.alpha and row.alpha else row.deep if form.bits > 8 else row.plain
        return CODECS[chosen]
    return named_row(split_profile(name)[0])


def split_profile(name: str | None) -> tuple[str, str]:
    """Return the encoder and the profile of a name such as ``prores:hq``, "" for a missing one."""
    encoder, _, profile = (name or "").partition(":")
    return encoder, profile


def named_row(name: str) -> CodecRow:
    """Return a row of ``CODECS``, or one for an encoder of libav.

    Raises:
        ValueError: as :func:`codec_row`.
    """
    if name in CODECS:
        return CODECS[name]
    from av.codec import Codec
    from av.codec.codec import UnknownCodecError

    try:
        codec = Codec(name, "w")
    except (UnknownCodecError, ValueError):
        known = dict.fromkeys([*CODECS, *_video_encoders()])
        raise ValueError(
            f"unknown codec {name!r}: expected one of {', '.join(CODECS)} or a video encoder of "
            f"libav{did_you_mean(name, known)}"
        ) from None
    if codec.type != "video":
        raise ValueError(f"codec {name!r} is not a video encoder")
    return CodecRow(codec.name, even=True)


def check_fit(row: CodecRow, target: Path) -> None:
    """Raise ValueError if the container of ``target`` is unknown or cannot hold the codec."""
    form = container_row(target).format
    if form == "image2" or form in ANIMATIONS:
        if row.encoder != "png":
            raise ValueError(f"{target}: images are written by the codec png, not {row.encoder}")
        return
    if form != Y4M and not holds(form, row.encoder):
        raise ValueError(
            f"{target}: {target.suffix} cannot hold {row.encoder}: choose another codec or "
            "container"
        )


def holds(form: str, encoder: str) -> bool:
    """Return whether libav's container ``form`` holds what ``encoder`` writes."""
    import av

    try:
        with av.open(io.BytesIO(), "w", format=form) as trial:
            trial.add_stream(encoder, rate=25)
    except ValueError:
        return False
    return True


def _video_encoders() -> list[str]:
    """Return libav's names of video encoders, each once."""
    import av
    from av.codec import Codec
    from av.codec.codec import UnknownCodecError

    found = []
    for name in sorted(av.codecs_available):
        with suppress(UnknownCodecError, ValueError):
            found += [name] if Codec(name, "w").type == "video" else []
    return found

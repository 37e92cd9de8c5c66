"""Encoders and containers: rows of defaults, and the pixel format that keeps most of a source."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import av
from av.codec import Codec

from cdfi.common.choices import did_you_mean
from cdfi.video.pixels.formats import SEMI_PLANAR, Layout, layout


@dataclass(frozen=True)
class CodecRow:
    """An encoder of libav with our defaults; ``even`` where 4:2:0 needs even sizes.

    ``speed`` names the option that ``--preset`` sets, ``quality`` the one that ``--crf`` sets;
    ``pix_fmt`` is the format to encode, where the rule for all others would choose a worse one.
    """

    encoder: str
    quality: str = "crf"
    speed: str = "preset"
    options: Mapping[str, str] = field(default_factory=dict)
    even: bool = False
    pix_fmt: str = ""


X26 = {"crf": "18", "preset": "medium"}
CODECS = {
    "h264": CodecRow("libx264", options=X26, even=True),
    "hevc": CodecRow("libx265", options=X26, even=True),
    "av1": CodecRow("libsvtav1", options={"crf": "24", "preset": "7"}),
    "vp9": CodecRow(
        "libvpx-vp9",
        speed="cpu-used",
        options={"crf": "24", "b": "0", "cpu-used": "3", "row-mt": "1", "auto-alt-ref": "0"},
    ),
    "prores": CodecRow("prores_ks", quality="", speed="profile", options={"vendor": "apl0"}),
    "ffv1": CodecRow("ffv1", quality="", speed="", options={"level": "3", "slicecrc": "1"}),
    "png": CodecRow("png", quality="", speed=""),
    "gif": CodecRow("gif", quality="", speed="", pix_fmt="rgb8"),  # of the rest only grey is ours
}


@dataclass(frozen=True)
class ContainerRow:
    """A container: libav's name; the codecs for 8 bits, for more, for alpha; sound's encoder."""

    format: str
    plain: str = "h264"
    deep: str = "hevc"
    alpha: str = ""
    sound: str = "aac"


CONTAINERS = {
    ".mp4": ContainerRow("mp4"),
    ".m4v": ContainerRow("mp4"),
    ".mkv": ContainerRow("matroska", alpha="ffv1"),
    ".mov": ContainerRow("mov", alpha="prores"),
    ".webm": ContainerRow("webm", plain="vp9", deep="av1", alpha="vp9", sound="libopus"),
    ".gif": ContainerRow("gif", plain="gif", deep="gif", sound=""),
    ".ts": ContainerRow("mpegts"),
    ".nut": ContainerRow("nut", deep="ffv1", alpha="ffv1"),
}
PATTERN = {
    ".png": ContainerRow("image2", plain="png", deep="png", alpha="png"),
}


def container_row(target: Path) -> ContainerRow:
    """The row for ``target``'s ending. Raises ValueError where the ending is unknown."""
    rows = PATTERN if is_pattern(target) else CONTAINERS
    row = rows.get(target.suffix.lower())
    if row is None:
        raise ValueError(
            f"{target}: unsupported container {target.suffix or '(no ending)'}; expected one of "
            f"{', '.join(CONTAINERS)}, or a pattern of images such as frame%05d.png"
        )
    return row


def is_pattern(target: Path) -> bool:
    """Whether ``target`` names numbered images, such as ``frame%05d.png``."""
    return "%" in target.name


def numbered(pattern: Path) -> list[Path]:
    """The files there are already under the names that ``pattern`` numbers.

    Raises ValueError where it has not exactly one number in it.
    """
    parts = re.split(r"%\d*[di]", pattern.name)
    if len(parts) != 2 or any("%" in part.replace("%%", "") for part in parts):
        raise ValueError(
            f"{pattern}: expected a pattern with one number in it, such as frame%05d.png"
        )
    before, after = (re.escape(part.replace("%%", "%")) for part in parts)
    name = re.compile(rf"{before} *\d+{after}")
    return sorted(path for path in pattern.parent.iterdir() if name.fullmatch(path.name))


def codec_row(name: str | None, target: Path, pix_fmt: str) -> CodecRow:
    """The encoder that ``name`` asks for, or the default for the container and the source.

    ``name`` is a row of ``CODECS`` or any video encoder of libav (hardware encoders too).
    Raises ValueError for an unknown one, with the nearest names.
    """
    if name is None:
        row, form = container_row(target), layout(pix_fmt)
        chosen = row.alpha if form.alpha and row.alpha else row.deep if form.bits > 8 else row.plain
        return CODECS[chosen]
    if name in CODECS:
        return CODECS[name]
    try:
        codec = Codec(name, "w")
    except (av.codec.codec.UnknownCodecError, ValueError):
        raise ValueError(
            f"unknown codec {name!r}: expected one of {', '.join(CODECS)} or an encoder of libav"
            + did_you_mean(name, [*CODECS, *av.codecs_available])
        ) from None
    if codec.type != "video":
        raise ValueError(f"codec {name!r} is no video encoder")
    return CodecRow(codec.name, even=True)


def check_fit(row: CodecRow, target: Path) -> None:
    """Raise ValueError where ``target``'s container is unknown or cannot hold the codec."""
    form = container_row(target).format
    if form == "image2":
        if row.encoder != "png":
            raise ValueError(f"{target}: images are written by the codec png, not {row.encoder}")
        return
    if not holds(form, row.encoder):
        raise ValueError(
            f"{target}: {target.suffix} cannot hold {row.encoder}: choose another codec or "
            "container"
        )


def holds(form: str, encoder: str) -> bool:
    """Whether libav's container ``form`` takes what ``encoder`` makes."""
    try:
        with av.open(io.BytesIO(), "w", format=form) as trial:
            trial.add_stream(encoder, rate=25)
    except ValueError:
        return False
    return True


def encoder_format(row: CodecRow, source: str, width: int, height: int) -> str:
    """The encoder's pixel format that loses least of frames in the format ``source``.

    Raises ValueError where the encoder takes no format that can be made.
    """
    if row.pix_fmt:
        return row.pix_fmt
    form = layout(source)
    choices = [name for name in _formats(row.encoder) if _usable(name)]
    if not choices:
        raise ValueError(f"encoder {row.encoder} takes no pixel format that can be made here")
    even = row.even and (width % 2 or height % 2)

    def loss(name: str) -> tuple[bool, tuple[int, ...]]:
        other = layout(SEMI_PLANAR.get(name, name))
        return bool(even and _odd(other, width, height)), _loss(form, other)

    return min(choices, key=loss)


def _formats(encoder: str) -> list[str]:
    return [fmt.name for fmt in Codec(encoder, "w").video_formats or []] or ["yuv420p"]


def _usable(name: str) -> bool:
    if name.startswith("yuvj"):
        return False
    try:
        return bool(layout(SEMI_PLANAR.get(name, name)))
    except ValueError:
        return False


def _odd(form: Layout, width: int, height: int) -> bool:
    """Whether chroma of ``form`` would not divide the size."""
    return bool(width % (1 << form.shifts[0]) or height % (1 << form.shifts[1]))


def _loss(source: Layout, other: Layout) -> tuple[int, ...]:
    """What ``other`` loses of ``source``, worst first; then how much it wastes."""
    across, down = (s - o for s, o in zip(source.shifts, other.shifts))
    return (
        int(source.name != other.name),
        int(source.family == "rgb" and other.family != "rgb") * 2 * (other.shifts != (0, 0)),
        int(source.family != "gray" and other.family == "gray"),
        int(source.alpha and not other.alpha),
        max(source.bits - other.bits, 0),
        max(-across, 0) + max(-down, 0),
        int(source.family != other.family),
        max(other.bits - source.bits, 0),
        max(across, 0) + max(down, 0),
        int(other.alpha and not source.alpha),
    )

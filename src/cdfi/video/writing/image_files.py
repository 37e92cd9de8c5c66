"""Still images as frames: read at their full depth, written atomically."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.packet import Packet
from av.video.frame import VideoFrame
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.TiffImagePlugin import BITSPERSAMPLE, SAMPLEFORMAT, TiffImageFile
from torch import Tensor

from cdfi.common.files import atomic_write
from cdfi.common.image_numbers import IMAGES
from cdfi.common.png import png_depth
from cdfi.video.pixels.colour import Colour
from cdfi.video.pixels.formats import (
    FULL,
    layout,
    read_components,
    reformatted,
    to_working,
    write_components,
)
from cdfi.video.writing.codecs import CodecRow
from cdfi.video.writing.exr import SUFFIX as EXR
from cdfi.video.writing.exr import read_exr, write_exr
from cdfi.video.writing.image_tags import ImageTags, with_png_tags, with_tiff_tags
from cdfi.video.writing.pixel_choice import candidates

WRITTEN = tuple(suffix for suffix in IMAGES if suffix != ".dpx")
MODES = {"L": "gray", "RGB": "rgb24", "RGBA": "rgba"}
COLOUR = Colour(matrix=0, range=FULL)
#: Formats that FFmpeg reads and writes if samples have more than 8 bits, which Pillow would cut.
DEEP = {"PNG": "png", "TIFF": "tiff", "PPM": "ppm"}
#: How tags are added to what FFmpeg writes.
DEEP_TAGS: dict[str, Callable[[bytes, ImageTags], bytes]] = {
    "png": with_png_tags,
    "tiff": with_tiff_tags,
    "ppm": lambda data, tags: data,
}
WITHOUT_ALPHA = ("JPEG", "PPM", "BMP")
ANIMATED = "convert it to a video or a GIF, or take it apart into images"
HEAD = 1024  # bytes of a file that hold a PPM's header with its comments
_GAP = rb"(?:\s|#[^\n]*\n)+"
PPM = re.compile(rb"P[56]" + 2 * (_GAP + rb"\d+") + _GAP + rb"(\d+)\s")
TURNED = 0x0112  # the tag of Exif and TIFF
#: Orientation of Exif -> function that turns a stored image upright.
TURNS: dict[int, Callable[[Tensor], Tensor]] = {
    2: lambda image: image.flip(1),
    3: lambda image: image.flip(0, 1),
    4: lambda image: image.flip(0),
    5: lambda image: image.T,
    6: lambda image: image.rot90(-1),
    7: lambda image: image.T.flip(0, 1),
    8: lambda image: image.rot90(1),
}


#: Readers of formats of film, which Pillow does not know.
FILM: dict[str, Callable[[Path], VideoFrame]] = {
    ".dpx": lambda path: _read_deep(path, "dpx", 1),
    EXR: read_exr,
}


class _AnimationError(Exception):
    """An image file with several frames, whose number is the argument."""


def is_image(path: Path) -> bool:
    """Return whether ``path`` has the suffix of a still image."""
    return path.suffix.lower() in IMAGES


def read_image(path: Path) -> VideoFrame:
    """Return the image at ``path``: grey, RGB or RGBA of 8 or 16 bits, turned upright.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not an image, not a complete one, or an animation.
    """
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, expected an image")
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist")
    if path.suffix.lower() in FILM:
        return _read_film(path)
    try:
        with Image.open(path) as opened:
            if getattr(opened, "is_animated", False) and opened.format != "TIFF":
                raise _AnimationError(getattr(opened, "n_frames", 0))
            if 8 < _bits(opened, path) <= 16:
                return _read_deep(path, DEEP[opened.format or ""], opened.getexif().get(TURNED, 1))
            upright = ImageOps.exif_transpose(opened)
    except _AnimationError as error:
        raise ValueError(f"{path} is an animation of {error} frames: {ANIMATED}") from None
    except UnidentifiedImageError as error:
        raise ValueError(f"{path} is not a readable image") from error
    except (Image.DecompressionBombError, av.error.FFmpegError, SyntaxError) as error:
        raise ValueError(f"{path} is not a readable image: {error}") from error
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} is damaged or incomplete: {error}") from error
    mode = upright.mode if upright.mode in MODES else _nearest_mode(upright, path)
    pixels = np.asarray(upright.convert(mode))
    return VideoFrame.from_ndarray(np.ascontiguousarray(pixels), MODES[mode])


def _read_film(path: Path) -> VideoFrame:
    """Return a DPX or EXR image."""
    try:
        return FILM[path.suffix.lower()](path)
    except av.error.FFmpegError as error:
        raise ValueError(f"{path} is not a readable image: {error.strerror}") from error


def write_image(image: VideoFrame, path: Path, tags: ImageTags | None = None) -> list[str]:
    """Write ``image`` to ``path`` atomically; the format follows from the suffix.

    16 bits are kept in PNG, TIFF and PPM, and cut to 8 elsewhere.

    Args:
        image: the pixels.
        path: of the file.
        tags: its colour profile and resolution.

    Returns:
        What the file cannot keep of ``image`` and ``tags``.

    Raises:
        OSError: the file cannot be written.
        ValueError: its format is unknown.
    """
    if path.suffix.lower() == EXR:
        write_exr(image, path)
        return []
    form, source = _pillow_format(path), layout(image.format.name)
    codec, tags = DEEP.get(form), tags or ImageTags()
    family = "gray" if source.family == "gray" else "rgb"
    kept = tags.kept(form, family)
    lost = tags.lost(form, family)
    lost += ["samples of more than 8 bits"] if source.bits > 8 and not codec else []
    lost += ["alpha"] if source.alpha and form in WITHOUT_ALPHA else []
    with atomic_write(path) as part:
        if codec and source.bits > 8:
            part.write_bytes(DEEP_TAGS[codec](_deep(image, codec), kept))
        else:
            plain = reformatted(image, _plain_format(image, path))
            settings = (
                {"quality": 95, "subsampling": 0}
                if path.suffix.lower() in (".jpg", ".jpeg")
                else {}
            )
            pixels = Image.fromarray(plain.to_ndarray())
            pixels.save(part, form, **settings, **kept.as_pillow())
    return lost


def _nearest_mode(image: Image.Image, path: Path) -> str:
    """Return the mode that keeps what an image of another mode shows."""
    if image.mode in ("I", "F") or image.mode.startswith("I;"):
        raise ValueError(f"{path}: expected samples of 8 or 16 bits, got mode {image.mode}")
    return "RGBA" if "A" in image.getbands() or "transparency" in image.info else "RGB"


def _bits(image: Image.Image, path: Path) -> int:
    """Return the bits of a sample of an opened file; 0 for a format not in :data:`DEEP`."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    if image.format == "PNG":
        return png_depth(head)
    if isinstance(image, TiffImageFile):
        integers = set(image.tag_v2.get(SAMPLEFORMAT, (1,))) == {1}
        return max(image.tag_v2.get(BITSPERSAMPLE, (1,))) if integers else 0
    found = PPM.match(head) if image.format == "PPM" else None
    return int(found[1]).bit_length() if found else 0


def _read_deep(path: Path, codec: str, orientation: int) -> VideoFrame:
    """Return a file's first image, decoded by FFmpeg and turned as Exif's ``orientation`` says."""
    context = av.CodecContext.create(codec, "r")
    assert isinstance(context, av.VideoCodecContext)
    for frame in (*context.decode(Packet(path.read_bytes())), *context.decode(None)):
        image = to_working(frame)
        turn = TURNS.get(orientation)
        if turn is None:
            return image
        parts = [turn(part.int()) for part in read_components(image)]
        return write_components(parts, image.format.name)
    raise ValueError("no picture in it")


def _deep(image: VideoFrame, codec: str) -> bytes:
    """Return ``image`` encoded by FFmpeg."""
    context = av.CodecContext.create(codec, "w")
    assert isinstance(context, av.VideoCodecContext)
    form = layout(image.format.name)
    if codec == "tiff" and form.family == "gray" and form.alpha:  # many programs open no such TIFF
        image = reformatted(image, "rgba64le")
    context.pix_fmt = candidates(CodecRow(codec), image.format.name)[0]
    context.width, context.height = image.width, image.height
    context.time_base = Fraction(1, 25)
    packets = context.encode(reformatted(image, context.pix_fmt)) + context.encode(None)
    return b"".join(bytes(packet) for packet in packets)


def _plain_format(image: VideoFrame, path: Path) -> str:
    """Return the format of 8 bits that Pillow writes ``image`` from."""
    form = layout(image.format.name)
    if form.family == "gray" and not form.alpha:
        return "gray"
    return "rgba" if form.alpha and path.suffix.lower() not in (".jpg", ".jpeg") else "rgb24"


def _pillow_format(path: Path) -> str:
    Image.preinit()  # the usual formats; all of them take long to import
    suffix = path.suffix.lower()
    name = Image.EXTENSION.get(suffix) or Image.registered_extensions().get(suffix)
    if name is None:
        raise ValueError(f"{path}: unsupported image format; expected one of {', '.join(WRITTEN)}")
    return name

"""Still images as frames: read at their full depth, written whole."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from PIL import Image, ImageOps, UnidentifiedImageError

from ..data.names import natural
from ..files import whole
from .codecs import CodecRow, encoder_format
from .colour import FULL, Colour
from .pixels import layout, reformatted, to_working

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".ppm")
MODES = {"L": "gray", "RGB": "rgb24", "RGBA": "rgba"}
COLOUR = Colour(matrix=0, range=FULL)
DEEP_PNG = 16  # the bit depth that Pillow would cut to 8


def is_image(path: Path) -> bool:
    """Whether the name says that ``path`` is a still image."""
    return path.suffix.lower() in SUFFIXES


def images_in(folder: Path) -> list[Path]:
    """The images in ``folder``, ordered as people number them (2 before 10); no hidden files."""
    shown = (path for path in folder.iterdir() if not path.name.startswith("."))
    return sorted(filter(is_image, shown), key=natural)


def read_image(path: Path) -> VideoFrame:
    """The image at ``path``: grey, RGB or RGBA of 8 or 16 bits, turned upright.

    Raises OSError where it cannot be read and ValueError where it is no whole image.
    """
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, expected an image")
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist")
    try:
        if _png_depth(path) == DEEP_PNG:
            return _read_deep(path)
        with Image.open(path) as opened:
            upright = ImageOps.exif_transpose(opened)
            mode = upright.mode if upright.mode in MODES else _nearest_mode(upright)
            pixels = np.asarray(upright.convert(mode))
    except UnidentifiedImageError as error:
        raise ValueError(f"{path} is not a readable image") from error
    except (Image.DecompressionBombError, av.error.FFmpegError, SyntaxError) as error:
        raise ValueError(f"{path} is not a readable image: {error}") from error
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} is damaged or incomplete: {error}") from error
    return VideoFrame.from_ndarray(np.ascontiguousarray(pixels), MODES[mode])


def write_image(image: VideoFrame, path: Path) -> None:
    """Write ``image`` to ``path``, which appears whole; the format follows from the ending.

    16 bits are kept in PNG and cut to 8 elsewhere. Raises OSError or ValueError where it cannot be.
    """
    with whole(path) as beside:
        if path.suffix.lower() == ".png" and layout(image.format.name).bits > 8:
            beside.write_bytes(_deep_png(image))
        else:
            plain = reformatted(image, _plain_format(image, path))
            keep = (
                {"quality": 95, "subsampling": 0}
                if path.suffix.lower() in (".jpg", ".jpeg")
                else {}
            )
            Image.fromarray(plain.to_ndarray()).save(beside, _pillow_format(path), **keep)


def _nearest_mode(image: Image.Image) -> str:
    """The mode that keeps what an image of another mode shows."""
    if image.mode in ("I", "F") or image.mode.startswith("I;"):
        raise ValueError(f"mode {image.mode} is not supported: save it as a PNG of 8 or 16 bits")
    return "RGBA" if "A" in image.getbands() or "transparency" in image.info else "RGB"


def _png_depth(path: Path) -> int:
    """Bits a sample of a PNG (byte 24 of the file), 0 for other files."""
    with path.open("rb") as file:
        head = file.read(25)
    return head[24] if head[:8] == b"\x89PNG\r\n\x1a\n" and len(head) == 25 else 0


def _read_deep(path: Path) -> VideoFrame:
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            return to_working(frame)
    raise ValueError("no picture in it")


def _deep_png(image: VideoFrame) -> bytes:
    context = av.CodecContext.create("png", "w")
    assert isinstance(context, av.VideoCodecContext)
    row = CodecRow("png")
    context.pix_fmt = encoder_format(row, image.format.name, image.width, image.height)
    context.width, context.height = image.width, image.height
    context.time_base = Fraction(1, 25)
    packets = context.encode(reformatted(image, context.pix_fmt)) + context.encode(None)
    return b"".join(bytes(packet) for packet in packets)


def _plain_format(image: VideoFrame, path: Path) -> str:
    form = layout(image.format.name)
    if form.family == "gray" and not form.alpha:
        return "gray"
    return "rgba" if form.alpha and path.suffix.lower() not in (".jpg", ".jpeg") else "rgb24"


def _pillow_format(path: Path) -> str:
    name = Image.registered_extensions().get(path.suffix.lower())
    if name is None:
        raise ValueError(f"{path}: unsupported image format; expected one of {', '.join(SUFFIXES)}")
    return name

"""Pixel formats: where the samples of each component are, read and written without change."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import torch
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from numpy.typing import NDArray
from torch import Tensor

from cdfi.video.pixels.linear_samples import ENCODED, encoded

FULL = 2  # AVCOL_RANGE_JPEG; 1 is limited, 0 unspecified

Triple = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]
Family = Literal["yuv", "rgb", "gray"]

# Formats that interleave their components: the order of these in memory.
PACKED = {
    "rgb24": "rgb",
    "bgr24": "bgr",
    "rgba": "rgba",
    "bgra": "bgra",
    "argb": "argb",
    "abgr": "abgr",
    "rgb48le": "rgb",
    "rgb48be": "rgb",
    "bgr48le": "bgr",
    "bgr48be": "bgr",
    "rgba64le": "rgba",
    "rgba64be": "rgba",
    "bgra64le": "bgra",
    "bgra64be": "bgra",
    "ya8": "ya",
    "ya16le": "ya",
    "ya16be": "ya",
}

# Formats of hardware codecs, which interleave the two chroma planes -> the planar format to which
# libav converts them without loss.
SEMI_PLANAR = {
    "nv12": "yuv420p",
    "nv21": "yuv420p",
    "nv16": "yuv422p",
    "nv24": "yuv444p",
    "p010le": "yuv420p10le",
    "p012le": "yuv420p12le",
    "p016le": "yuv420p16le",
    "p210le": "yuv422p10le",
    "p212le": "yuv422p12le",
    "p410le": "yuv444p10le",
}

# Other formats whose samples libav turns into those of a format here without loss. Samples of 5 and
# 6 bits are spread over 8.
SAME_SAMPLES = (
    SEMI_PLANAR
    | {
        "nv42": "yuv444p",
        "nv20le": "yuv422p10le",
        "p010be": "yuv420p10le",
        "p210be": "yuv422p10le",
        "p216le": "yuv422p16le",
        "p412le": "yuv444p12le",
        "p416le": "yuv444p16le",
        "yuyv422": "yuv422p",
        "uyvy422": "yuv422p",
        "yvyu422": "yuv422p",
        "y210le": "yuv422p10le",
        "y212le": "yuv422p12le",
        "y216le": "yuv422p16le",
        "ayuv": "yuva444p",
        "vuya": "yuva444p",
        "uyva": "yuva444p",
        "vuyx": "yuv444p",
        "vyu444": "yuv444p",
        "v30xle": "yuv444p10le",
        "xv30le": "yuv444p10le",
        "xv36le": "yuv444p12le",
        "xv48le": "yuv444p16le",
        "ayuv64le": "yuva444p16le",
        "rgb0": "rgb24",
        "bgr0": "rgb24",
        "0rgb": "rgb24",
        "0bgr": "rgb24",
        "x2rgb10le": "gbrp10le",
        "x2bgr10le": "gbrp10le",
        "pal8": "bgra",
        "monob": "gray",
        "monow": "gray",
    }
    | {
        f"{order}{bits}{end}": "rgb24"
        for order in ("rgb", "bgr")
        for bits in ("555", "565")
        for end in ("le", "be")
    }
)

# Names that old decoders use for full-range formats -> the names of the formats.
FULL_RANGE = {f"yuvj{layout}p": f"yuv{layout}p" for layout in ("420", "422", "444", "440", "411")}


@dataclass(frozen=True)
class Layout:
    """How a pixel format stores a frame.

    Attributes:
        name: libav's.
        family: of its colours.
        bits: of a sample.
        planes: the plane of each component.
        shifts: base-2 logarithms of the chroma subsampling (across, down).
        alpha: whether it has opacity.
        order: the interleaved components of a packed format; empty for a planar one.
        dtype: of a sample in memory, for numpy.
    """

    name: str
    family: Family
    bits: int
    planes: tuple[int, ...]
    shifts: tuple[int, int]
    alpha: bool
    order: str
    dtype: str

    @property
    def peak(self) -> int:
        """Return the largest code."""
        return (1 << self.bits) - 1

    def size(self, component: int, width: int, height: int) -> tuple[int, int]:
        """Return the rows and columns of ``component`` in a frame of the given size."""
        if self.family == "yuv" and component in (1, 2):
            return -(-height >> self.shifts[1]), -(-width >> self.shifts[0])
        return height, width


@lru_cache(maxsize=64)
def layout(name: str) -> Layout:
    """Return the layout of the pixel format ``name``.

    Raises:
        ValueError: the format is not supported.
    """
    parts = VideoFormat(name, 64, 64)
    components = parts.components
    bits = components[0].bits if components else 0
    planes = tuple(component.plane for component in components)
    regular = all(c.bits == bits for c in components) and 8 <= bits <= 16
    planar = len(set(planes)) == len(planes) and not parts.is_bit_stream
    if not regular or parts.has_palette or "f" in name or not (planar or name in PACKED):
        raise ValueError(
            f"pixel format {name} is not supported: convert the video first, "
            "for example to yuv444p10le"
        )
    chroma = [c for c in components if c.is_chroma or (not parts.is_rgb and len(components) > 2)]
    shifts = (64 // chroma[1].width, 64 // chroma[1].height) if chroma else (1, 1)
    family: Family = "rgb" if parts.is_rgb else "yuv" if chroma else "gray"
    byte = ">" if parts.is_big_endian else "<"
    return Layout(
        name=name,
        family=family,
        bits=bits,
        planes=planes,
        shifts=(shifts[0].bit_length() - 1, shifts[1].bit_length() - 1),
        alpha=any(c.is_alpha for c in components),
        order=PACKED.get(name, ""),
        dtype="u1" if bits == 8 else f"{byte}u2",
    )


def working_format(name: str) -> str:
    """Return the format with the same samples in which frames of format ``name`` are handled."""
    plain = FULL_RANGE.get(name) or SAME_SAMPLES.get(name) or ENCODED.get(name, name)
    return layout(plain).name


def to_working(image: VideoFrame) -> VideoFrame:
    """Return ``image`` in its working format, each sample unchanged; linear light becomes sRGB."""
    name = image.format.name
    if name in ENCODED:
        return encoded(image)
    if name in FULL_RANGE:
        return _renamed(image, FULL_RANGE[name])
    return reformatted(image, SAME_SAMPLES[name]) if name in SAME_SAMPLES else image


def reformatted(image: VideoFrame, name: str, **settings: Any) -> VideoFrame:
    """Convert ``image`` to the format ``name`` by libav, on one thread.

    With more of them libav (swscale 9.5) now and then garbles rows where two threads meet.
    """
    try:
        return image.reformat(format=name, threads=1, **settings)
    except TypeError:  # an older PyAV, which always uses one thread
        return image.reformat(format=name, **settings)


def read_components(image: VideoFrame) -> list[Tensor]:
    """Return each component's samples (rows, columns): Y Cb Cr [A], R G B [A] or Y [A].

    The tensors share the frame's memory where its byte order allows; do not write to them.
    """
    form = layout(image.format.name)
    grids = [_component(image, form, index) for index in range(len(form.planes))]
    native = form.dtype.replace(">", "<") if sys.byteorder == "little" else form.dtype
    return [torch.from_numpy(grid.astype(native, copy=False)) for grid in grids]


def flat_planes(image: VideoFrame) -> tuple[Triple, tuple[int, int, int]]:
    """Return the three colour planes in the frame's memory, flat, and the samples in a line."""
    form = layout(image.format.name)
    first, second, third = (image.planes[number] for number in form.planes[:3])
    step = np.dtype(form.dtype).itemsize
    flat = _flat(first, form), _flat(second, form), _flat(third, form)
    return flat, (first.line_size // step, second.line_size // step, third.line_size // step)


def _flat(plane: VideoPlane, form: Layout) -> NDArray[Any]:
    samples: NDArray[Any] = np.frombuffer(plane, form.dtype)  # type: ignore[call-overload]
    return samples


def write_components(components: list[Tensor], name: str) -> VideoFrame:
    """Return a new frame of format ``name`` from codes in the order of ``read_components``.

    Floats are rounded to the nearest code and clamped to the format's codes.
    """
    height, width = components[0].shape
    image = VideoFrame(width, height, name)
    for index, codes in enumerate(components):
        write_component(image, index, codes)
    return image


def write_component(image: VideoFrame, index: int, codes: Tensor) -> None:
    """Fill one component of ``image`` as ``write_components`` does."""
    form = layout(image.format.name)
    np.copyto(_component(image, form, index), _codes(codes, form.peak), casting="unsafe")


def _codes(codes: Tensor, peak: int) -> NDArray[np.generic]:
    """Return ``codes`` as integers between 0 and ``peak``."""
    if codes.is_floating_point():
        codes = (codes + 0.5).clamp_(0, peak)
        codes = codes.to(torch.uint8) if peak <= 255 else codes.to(torch.int32)
    array: NDArray[np.generic] = codes.cpu().numpy()
    return array


def _component(image: VideoFrame, form: Layout, index: int) -> NDArray[np.generic]:
    """Return a view (rows, columns) of one component in the frame's own memory."""
    plane = image.planes[form.planes[index]]
    rows, columns = form.size(index, image.width, image.height)
    samples = _flat(plane, form)
    stride = plane.line_size // samples.itemsize
    lines = samples[: stride * rows].reshape(rows, stride)
    if not form.order:
        plain: NDArray[np.generic] = lines[:, :columns]
        return plain
    packed = lines[:, : columns * len(form.order)].reshape(rows, columns, len(form.order))
    keys = [key for key in "rgbya" if key in form.order]
    view: NDArray[np.generic] = packed[..., form.order.index(keys[index])]
    return view


def blank_frame(width: int, height: int, pix_fmt: str) -> VideoFrame:
    """Return a frame whose samples are all 0."""
    image = VideoFrame(width, height, pix_fmt)
    for plane in image.planes:
        plane.update(bytes(plane.buffer_size))
    return image


def copy_colour_tags(source: VideoFrame, target: VideoFrame) -> None:
    """Give ``target`` the colour tags of ``source``."""
    for field in ("colorspace", "color_primaries", "color_trc", "color_range"):
        setattr(target, field, getattr(source, field))


def _renamed(image: VideoFrame, name: str) -> VideoFrame:
    """Return a copy of ``image`` with ``name`` as its format."""
    form = layout(name)
    copy = VideoFrame(image.width, image.height, name)
    for index in range(len(form.planes)):
        np.copyto(_component(copy, form, index), _component(image, form, index))
    copy_colour_tags(image, copy)
    copy.color_range = FULL  # which the old name stood for
    return copy

"""Frames of linear light, half or float: their samples, and the light as sRGB."""

from __future__ import annotations

from typing import Any

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

#: libav's formats by their number of planes, without their precision.
FORMATS = {1: "grayf", 3: "gbrpf", 4: "gbrapf"}
#: Format of linear light -> the format that holds it as sRGB.
ENCODED = {
    f"{name}{bits}le": f"{name.removesuffix('f')}16le"
    for name in FORMATS.values()
    for bits in (16, 32)
}
#: Codecs whose float samples are linear light; other codecs do not say what theirs are.
CODECS = {"exr", "pfm", "phm", "hdr"}
#: The tags of sRGB: primaries and transfer (libav's AVCOL_PRI_BT709, AVCOL_TRC_IEC61966_2_1).
PRIMARIES, TRANSFER = 1, 13

Planes = NDArray[np.float32]


def is_linear(image: VideoFrame) -> bool:
    """Return whether ``image`` holds linear light."""
    return image.format.name in ENCODED


def planes_of(image: VideoFrame) -> Planes:
    """Return the samples (C, H, W): G B R [A], or Y."""
    kind = np.float16 if "f16" in image.format.name else np.float32
    return _samples(image, np.dtype(kind)).astype(np.float32)


def from_planes(planes: Planes, half: bool) -> VideoFrame:
    """Return a frame of the samples (C, H, W) in the order of :func:`planes_of`."""
    name = f"{FORMATS[len(planes)]}{'16' if half else '32'}le"
    return _frame(planes, name, np.dtype(np.float16 if half else np.float32))


def encoded(image: VideoFrame) -> VideoFrame:
    """Return a frame of linear light as sRGB of 16 bits (IEC 61966-2-1).

    Light below 0 becomes black, above 1 white; alpha stays linear.
    """
    planes = np.nan_to_num(planes_of(image)).clip(0, 1)
    colours = planes[:3]
    curved = 1.055 * colours ** (1 / 2.4) - 0.055
    planes[:3] = np.where(colours <= 0.0031308, 12.92 * colours, curved)
    codes = (planes * 65535 + 0.5).astype("<u2")
    return _frame(codes, ENCODED[image.format.name], codes.dtype)


def _samples(image: VideoFrame, kind: np.dtype[Any]) -> NDArray[Any]:
    planes = []
    for plane in image.planes:
        samples: NDArray[Any] = np.frombuffer(plane, kind)  # type: ignore[call-overload]
        planes.append(samples.reshape(image.height, -1)[:, : image.width])
    return np.stack(planes)


def _frame(planes: NDArray[Any], name: str, kind: np.dtype[Any]) -> VideoFrame:
    _, height, width = planes.shape
    image = VideoFrame(width, height, name)
    for plane, samples in zip(image.planes, planes):
        lines = np.zeros((height, plane.line_size // kind.itemsize), kind)
        lines[:, :width] = samples
        plane.update(lines.tobytes())
    return image

"""Frames as users have them, and the batches that networks take."""

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from cdfi.common.rounding import to_levels

Image = npt.NDArray[Any]
#: The kind of a frame: the same kind goes in and comes out.
Frame = TypeVar("Frame", Tensor, Image)


def check_pair(frame0: Tensor | Image, frame1: Tensor | Image) -> None:
    """Raise an error unless the frames are a pair; see :meth:`Interpolator.between`.

    Raises:
        ValueError: a frame is not an image, or the two differ in kind or size.
    """
    for name, frame in (("frame0", frame0), ("frame1", frame1)):
        _check_frame(name, frame)
    if type(frame0) is not type(frame1) or frame0.dtype != frame1.dtype:
        raise ValueError(f"the frames differ in kind: {frame0.dtype} and {frame1.dtype}")
    if frame0.ndim != frame1.ndim:
        raise ValueError(
            f"the frames differ in dimensions: frame0 is {_kind(frame0)}, frame1 is "
            f"{_kind(frame1)}; expected two single frames or two batches"
        )
    if frame0.shape != frame1.shape:
        raise ValueError(
            f"the frames differ in size: {tuple(frame0.shape)} and {tuple(frame1.shape)}"
        )


def _check_frame(name: str, frame: object) -> None:
    if isinstance(frame, Tensor):
        good = has_floats(frame) and frame.ndim in (3, 4) and frame.shape[-3] == 3
    elif isinstance(frame, np.ndarray):
        good = has_levels(frame) and frame.ndim == 3 and frame.shape[2] == 3
    else:
        mode = f" of mode {frame.mode}" if hasattr(frame, "mode") else ""
        raise ValueError(
            f"{name} is a {type(frame).__name__}{mode}; expected a tensor, an array or a PIL image "
            "of mode RGB"
        )
    if not good or 0 in frame.shape:
        raise ValueError(
            f"{name} is {tuple(frame.shape)} of {frame.dtype}; expected a float tensor "
            "(3, H, W) or (N, 3, H, W) in [0, 1], or an image (H, W, 3) of uint8, uint16, float"
        )


def _kind(frame: Tensor | Image) -> str:
    form = "a batch (N, 3, H, W)" if frame.ndim == 4 else "a single frame (3, H, W)"
    return f"{form} of shape {tuple(frame.shape)}"


def has_levels(image: Image) -> bool:
    """Return whether an array has values that frames may have: uint8, uint16 or floats."""
    return image.dtype in (np.uint8, np.uint16) or has_floats(image)


def has_floats(frame: object) -> bool:
    """Return whether the values of a frame are floats, which have no range of their own."""
    if isinstance(frame, Tensor):
        return frame.is_floating_point()
    return isinstance(frame, np.ndarray) and frame.dtype.kind == "f"


def is_picture(frame: object) -> bool:
    """Return whether ``frame`` is a PIL image of mode RGB."""
    return getattr(frame, "mode", None) == "RGB"


def as_array(frame: Any) -> Any:
    """Return a PIL image of mode RGB as an array (H, W, 3), and any other frame as it is."""
    return np.asarray(frame) if is_picture(frame) else frame


def as_picture(image: Image) -> Any:
    """Return an image (H, W, 3) of uint8 as a PIL image."""
    import PIL.Image

    return PIL.Image.fromarray(image)


def to_batch(frame: Tensor | Image) -> Tensor:
    """Return any frame as float32 (N, 3, H, W) in [0, 1]."""
    if isinstance(frame, Tensor):
        return (frame if frame.ndim == 4 else frame[None]).float()
    pixels = torch.from_numpy(np.ascontiguousarray(frame, dtype=np.float32))
    if frame.dtype.kind == "u":
        pixels = pixels / np.iinfo(frame.dtype).max
    return pixels.permute(2, 0, 1)[None]


def from_batch(batch: Tensor, like: Frame) -> Frame:
    """Return (N, 3, H, W) in [0, 1] as a frame of the kind of ``like``; integers are rounded."""
    if isinstance(like, Tensor):
        return (batch if like.ndim == 4 else batch[0]).to(like.device, like.dtype)
    pixels = batch[0].permute(1, 2, 0).cpu()
    if like.dtype.kind == "u":
        pixels = to_levels(pixels, np.iinfo(like.dtype).max)
    image: Image = np.ascontiguousarray(pixels.numpy().astype(like.dtype))
    return image

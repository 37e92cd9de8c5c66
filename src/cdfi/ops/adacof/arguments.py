"""The arguments of AdaCoF: groups for the code below the public functions, and their checks."""

from typing import NamedTuple

from torch import Tensor

ROUNDINGS = ("floor", "trunc")


class Maps(NamedTuple):
    """The sampling maps of an image: three tensors of shape (N, K*K, H, W), a channel per tap.

    Attributes:
        weight: weights of the samples; some functions take their logits instead.
        offset_y: pixels downwards.
        offset_x: pixels to the right.
    """

    weight: Tensor
    offset_y: Tensor
    offset_x: Tensor


class Sampling(NamedTuple):
    """The positions that the offsets of the taps are relative to.

    Attributes:
        row: the output row that the first row of the maps belongs to.
        dilation: distance of adjacent taps at zero offset, in pixels.
        rounding: one of ``ROUNDINGS``; see :func:`cdfi.ops.adacof`.
    """

    row: int = 0
    dilation: int = 1
    rounding: str = "floor"


def kernel_size(taps: int) -> int:
    """Return the least K with K * K >= taps.

    It is a loop because ``torch.compile`` cannot trace ``math.isqrt``.
    """
    kernel = 1
    while kernel * kernel < taps:
        kernel += 1
    return kernel


def check_arguments(input: Tensor, maps: Maps, sampling: Sampling) -> None:
    """Raise ValueError if the arguments do not fit together."""
    if sampling.rounding not in ROUNDINGS:
        raise ValueError(f"expected rounding to be one of {ROUNDINGS}, got {sampling.rounding!r}")
    if sampling.dilation < 1 or sampling.row < 0:
        raise ValueError(
            f"expected dilation >= 1 and row >= 0, got {sampling.dilation} and {sampling.row}"
        )
    _check_tensors(input, maps)
    batch, taps, height, width = maps.weight.shape
    kernel = kernel_size(taps)
    padding = (kernel - 1) * sampling.dilation
    if kernel**2 != taps or taps == 0:
        raise ValueError(f"expected K*K maps for a K x K kernel, got {taps}")
    if input.shape[0] != batch or input.shape[3] != width + padding:
        raise ValueError(
            f"expected an input of {batch} images and {width + padding} columns "
            f"(W + (K-1)*dilation), got {tuple(input.shape)}: pad the frame first"
        )
    if input.shape[2] < sampling.row + height + padding:
        raise ValueError(
            f"expected an input of at least {sampling.row + height + padding} rows, got "
            f"{input.shape[2]}: pass the complete padded input"
        )


def check_flow(flow: Tensor | None, logits: Tensor) -> None:
    """Raise ValueError unless ``flow`` is None or (N, 2, h, W) for the maps ``logits``."""
    if flow is None:
        return
    shape = (logits.shape[0], 2, *logits.shape[2:])
    if flow.shape != shape or flow.device != logits.device:
        raise ValueError(
            f"expected a flow of shape {shape} on {logits.device}, got {tuple(flow.shape)} on "
            f"{flow.device}"
        )


def _check_tensors(input: Tensor, maps: Maps) -> None:
    """Raise ValueError if dimensions, dtypes, shapes of the maps or devices are wrong."""
    if input.dim() != 4 or any(m.dim() != 4 for m in maps):
        raise ValueError("expected four tensors of 4 dimensions: (N, C, H, W) and (N, K*K, H, W)")
    if not all(values.is_floating_point() for values in (input, *maps)):
        raise ValueError("expected floating-point tensors: convert them with .float()")
    shapes = [tuple(m.shape) for m in maps]
    if shapes[0] != shapes[1] or shapes[0] != shapes[2]:
        raise ValueError(f"expected weight and offsets of one shape (N, K*K, H, W), got {shapes}")
    if any(m.device != input.device for m in maps):
        raise ValueError("expected input and maps on one device: move them with .to(device)")

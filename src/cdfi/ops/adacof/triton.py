"""AdaCoF on CUDA devices: layouts and launches of the Triton kernels.

float32, float16 and bfloat16 are read as they are and may be mixed; sums are in float32.
"""

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
import triton
from torch import Tensor

from cdfi.ops.adacof import triton_kernels

# Channels a program: more would leave too few registers for the four neighbours.
WIDEST = 64
# What follows was fastest on an H200 (docs/benchmarks.md). A program's pixels, and in how many rows
# they lie where they have many channels; fewer in half precision, and for gradients of maps.
PIXELS, FEW_PIXELS, TALL = 32, 16, 4
# Images of one vector of so many channels: pixels times taps a program, all at once. The forward
# pass goes tap by tap up to so many taps.
NARROW, MOST_STEPS = 4, 32
FORWARD_TILE, MAPS_TILE = 128, 256


def forward(
    input: Tensor,
    weight: Tensor,
    offset_y: Tensor,
    offset_x: Tensor,
    row: int,
    dilation: int,
    rounding: str,
    softmax: bool = False,
    way: Tensor | None = None,
) -> Tensor:
    """Warp ``input`` (N, C, H', W') by maps (N, K*K, H, W); the result is channels-last.

    With ``softmax``, ``weight`` holds logits, whose softmax over the taps is never written. ``way``
    (N, 2, H, W) is added to the offsets of all taps.
    """
    out = _empty(input, (*input.shape[:2], *weight.shape[2:]), input.dtype)
    narrow = _wide(input.shape[1]) <= NARROW
    kernel, tile = triton_kernels.forward_kernel, 0
    if narrow and weight.shape[1] > MOST_STEPS:
        kernel, tile = triton_kernels.narrow_forward_kernel, FORWARD_TILE
    pixels = PIXELS if narrow or input.element_size() == 4 else FEW_PIXELS
    launch = _launch(input, weight, row, dilation, rounding, pixels, tile)
    kernel[launch.grid](
        _filled(input),
        *_alike(weight, offset_y, offset_x),
        *_strided(weight if way is None else way),
        *_strided(out),
        *launch.sizes,
        **launch.constants,
        SOFTMAX=softmax,
        MOVED=way is not None,
    )
    return out


def backward_maps(
    grad: Tensor,
    input: Tensor,
    weight: Tensor,
    offset_y: Tensor,
    offset_x: Tensor,
    row: int,
    dilation: int,
    rounding: str,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of weight, offset_y and offset_x, each in the dtype of its tensor."""
    of_weight, of_y, of_x = (_empty(m, m.shape, m.dtype) for m in (weight, offset_y, offset_x))
    kernel, tile = triton_kernels.backward_maps_kernel, 0
    if _wide(input.shape[1]) <= NARROW:
        kernel, tile = triton_kernels.narrow_backward_maps_kernel, MAPS_TILE
    launch = _launch(input, weight, row, dilation, rounding, FEW_PIXELS, tile)
    kernel[launch.grid[:2]](
        _filled(input),
        *_alike(weight, offset_y, offset_x),
        _filled(grad),
        *(of_weight, of_y, of_x, *of_weight.stride()),
        *launch.sizes,
        **launch.constants,
    )
    return of_weight, of_y, of_x


def backward_input(
    grad: Tensor,
    input: Tensor,
    weight: Tensor,
    offset_y: Tensor,
    offset_x: Tensor,
    row: int,
    dilation: int,
    rounding: str,
) -> Tensor:
    """The gradient of the input. Additions are atomic: its last bits differ between runs."""
    batch, channels, rows, columns = input.shape
    result = input.new_zeros((batch, rows, columns, _wide(channels)), dtype=torch.float32)
    launch = _launch(input, weight, row, dilation, rounding, PIXELS)
    triton_kernels.backward_input_kernel[launch.grid](
        result,
        *_alike(weight, offset_y, offset_x),
        _filled(grad),
        *launch.sizes,
        **launch.constants,
    )
    return result[..., :channels].to(input.dtype).contiguous().permute(0, 3, 1, 2)


class _Launch(NamedTuple):
    """What all kernels are launched with."""

    grid: tuple[int, int, int]
    sizes: tuple[int, ...]
    constants: dict[str, Any]


def _launch(
    input: Tensor,
    weight: Tensor,
    row: int,
    dilation: int,
    rounding: str,
    pixels: int,
    tile: int = 0,
) -> _Launch:
    """Tap by tap for ``pixels`` a program; or all at once, ``tile`` of pixels times taps."""
    batch, channels, rows, columns = input.shape
    _, taps, height, width = weight.shape
    wide = _wide(channels)
    constants = {
        "KERNEL": round(taps**0.5),
        "DILATION": dilation,
        "TRUNCATE": rounding == "trunc",
        "WIDE": wide,
        "num_warps": 1,
    }
    if tile:
        filled = triton.next_power_of_2(taps)
        pixels = max(tile // filled, 1)
        constants |= {"TAPS": filled, "PIXELS": pixels}
        grid = (triton.cdiv(height * width, pixels), batch, 1)
    else:
        lanes, tall = min(wide, WIDEST), 1 if wide <= NARROW else TALL
        constants |= {"LANES": lanes, "PIXELS": pixels, "TALL": tall}
        blocks = triton.cdiv(height, tall) * triton.cdiv(width, pixels // tall)
        grid = (blocks, batch, wide // lanes)
    return _Launch(grid, (channels, rows, columns, height, width, row), constants)


def _wide(channels: int) -> int:
    """Channels a pixel has in memory: a power of two, or a multiple of ``WIDEST``."""
    wide: int = min(triton.next_power_of_2(channels), triton.cdiv(channels, WIDEST) * WIDEST)
    return wide


def _filled(image: Tensor) -> Tensor:
    """Channels side by side, (N, H, W, ``_wide``), with zeros for those that are missing.

    An image that has as many, and has them so, is not copied.
    """
    missing = _wide(image.shape[1]) - image.shape[1]
    last = image.permute(0, 2, 3, 1)
    return F.pad(last, (0, missing)) if missing else last.contiguous()


def _empty(like: Tensor, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """An empty (N, C, H, W) tensor with its channels side by side."""
    batch, channels, height, width = shape
    return like.new_empty((batch, height, width, channels), dtype=dtype).permute(0, 3, 1, 2)


def _strided(values: Tensor) -> tuple[Any, ...]:
    return (values, *values.stride())


def _alike(weight: Tensor, offset_y: Tensor, offset_x: Tensor) -> tuple[Any, ...]:
    """The maps with strides that hold for all three: copied only where theirs differ."""
    maps = (weight, offset_y, offset_x)
    if any(m.stride() != weight.stride() for m in maps):
        maps = (weight.contiguous(), offset_y.contiguous(), offset_x.contiguous())
    return (*maps, *maps[0].stride())

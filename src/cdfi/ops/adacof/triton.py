"""AdaCoF on CUDA devices: memory layouts and launches of the Triton kernels.

float32, float16 and bfloat16 are read as they are and may be mixed; sums are in float32.
"""

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
import triton
from torch import Tensor

from cdfi.ops.adacof import triton_kernels
from cdfi.ops.adacof.arguments import Maps, Sampling

# Channels per program: more would leave too few registers for the four neighbours.
MAX_LANES = 64
# The following values were fastest on an H200 (docs/benchmarks.md). Pixels per program, and the
# number of rows they form if there are many channels. Fewer in half precision and for gradients of
# maps.
PIXELS, FEW_PIXELS, BLOCK_ROWS = 32, 16, 4
# Largest number of channels of a "narrow" image, which is read as one vector per pixel.
NARROW = 4
# A narrow forward pass goes tap by tap up to this number of taps. Otherwise a program computes this
# number of pixels times taps at once.
MAX_SEQUENTIAL_TAPS = 32
FORWARD_TILE, MAPS_TILE = 128, 256


def forward(
    input: Tensor,
    maps: Maps,
    sampling: Sampling,
    *,
    softmax: bool = False,
    flow: Tensor | None = None,
) -> Tensor:
    """Warp ``input`` (N, C, H', W') by maps (N, K*K, H, W); the result is channels-last.

    Args:
        input: (N, C, H', W').
        maps: each (N, K*K, H, W).
        sampling: see :class:`Sampling`.
        softmax: the weights are logits; their softmax over the taps is never written to memory.
        flow: (N, 2, H, W), added to the offsets of all taps.
    """
    out = _empty(input, (*input.shape[:2], *maps.weight.shape[2:]), input.dtype)
    narrow = _padded_channels(input.shape[1]) <= NARROW
    kernel, tile = triton_kernels.forward_kernel, 0
    if narrow and maps.weight.shape[1] > MAX_SEQUENTIAL_TAPS:
        kernel, tile = triton_kernels.narrow_forward_kernel, FORWARD_TILE
    pixels = PIXELS if narrow or input.element_size() == 4 else FEW_PIXELS
    launch = _launch(input, maps, sampling, pixels, tile)
    kernel[launch.grid](
        _pad_channels(input),
        *_with_shared_strides(maps),
        *_with_strides(maps.weight if flow is None else flow),
        *_with_strides(out),
        input.shape[1],
        *launch.sizes,
        **launch.constants,
        SOFTMAX=softmax,
        HAS_FLOW=flow is not None,
    )
    return out


def backward_maps(
    grad: Tensor, input: Tensor, maps: Maps, sampling: Sampling
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradients of weight, offset_y and offset_x, each in the dtype of its tensor."""
    of_weight, of_y, of_x = (_empty(m, m.shape, m.dtype) for m in maps)
    kernel, tile = triton_kernels.backward_maps_kernel, 0
    if _padded_channels(input.shape[1]) <= NARROW:
        kernel, tile = triton_kernels.narrow_backward_maps_kernel, MAPS_TILE
    launch = _launch(input, maps, sampling, FEW_PIXELS, tile)
    kernel[launch.grid[:2]](
        _pad_channels(input),
        *_with_shared_strides(maps),
        _pad_channels(grad),
        *(of_weight, of_y, of_x, *of_weight.stride()),
        *launch.sizes,
        **launch.constants,
    )
    return of_weight, of_y, of_x


def backward_input(grad: Tensor, input: Tensor, maps: Maps, sampling: Sampling) -> Tensor:
    """Return the input's gradient. Additions are atomic: the last bits differ between runs."""
    batch, channels, rows, columns = input.shape
    padded = _padded_channels(channels)
    result = input.new_zeros((batch, rows, columns, padded), dtype=torch.float32)
    launch = _launch(input, maps, sampling, PIXELS)
    triton_kernels.backward_input_kernel[launch.grid](
        result,
        *_with_shared_strides(maps),
        _pad_channels(grad),
        *launch.sizes,
        **launch.constants,
    )
    return result[..., :channels].to(input.dtype).contiguous().permute(0, 3, 1, 2)


class _Launch(NamedTuple):
    """The arguments that all launches share."""

    grid: tuple[int, int, int]
    sizes: tuple[int, ...]
    constants: dict[str, Any]


def _launch(input: Tensor, maps: Maps, sampling: Sampling, pixels: int, tile: int = 0) -> _Launch:
    """Return the launch of a kernel.

    Args:
        input: the image.
        maps: the maps.
        sampling: what the offsets are relative to.
        pixels: per program, for kernels that go tap by tap.
        tile: pixels times taps of a program, for narrow kernels; 0 for others.
    """
    batch, channels, rows, columns = input.shape
    _, taps, height, width = maps.weight.shape
    padded = _padded_channels(channels)
    constants = {
        "KERNEL": round(taps**0.5),
        "DILATION": sampling.dilation,
        "TRUNCATE": sampling.rounding == "trunc",
        "PADDED": padded,
        "num_warps": 1,
    }
    if tile:
        padded_taps = triton.next_power_of_2(taps)
        pixels = max(tile // padded_taps, 1)
        constants |= {"TAPS": padded_taps, "PIXELS": pixels}
        grid = (triton.cdiv(height * width, pixels), batch, 1)
    else:
        lanes, block_rows = min(padded, MAX_LANES), 1 if padded <= NARROW else BLOCK_ROWS
        constants |= {"LANES": lanes, "PIXELS": pixels, "BLOCK_ROWS": block_rows}
        blocks = triton.cdiv(height, block_rows) * triton.cdiv(width, pixels // block_rows)
        grid = (blocks, batch, padded // lanes)
    return _Launch(grid, (rows, columns, height, width, sampling.row), constants)


def _padded_channels(channels: int) -> int:
    """Return the channels a pixel has in memory: a power of two, or a multiple of MAX_LANES."""
    multiple = triton.cdiv(channels, MAX_LANES) * MAX_LANES
    padded: int = min(triton.next_power_of_2(channels), multiple)
    return padded


def _pad_channels(image: Tensor) -> Tensor:
    """Return (N, C, H, W) as (N, H, W, padded channels), with zeros in the channels added.

    A channels-last image that needs no padding is not copied.
    """
    missing = _padded_channels(image.shape[1]) - image.shape[1]
    last = image.permute(0, 2, 3, 1)
    return F.pad(last, (0, missing)) if missing else last.contiguous()


def _empty(like: Tensor, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Return an empty (N, C, H, W) tensor that is channels-last in memory."""
    batch, channels, height, width = shape
    return like.new_empty((batch, height, width, channels), dtype=dtype).permute(0, 3, 1, 2)


def _with_strides(values: Tensor) -> tuple[Any, ...]:
    """Return a tensor and its strides, as the kernels take them."""
    return (values, *values.stride())


def _with_shared_strides(maps: Maps) -> tuple[Any, ...]:
    """Return the maps and their common strides; maps are copied only if their strides differ."""
    if any(m.stride() != maps.weight.stride() for m in maps):
        maps = Maps(*(m.contiguous() for m in maps))
    return (*maps, *maps.weight.stride())

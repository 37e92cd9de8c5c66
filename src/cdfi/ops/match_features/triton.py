"""Warped features and their cost volume on CUDA devices: two Triton kernels, nothing between.

The first kernel warps the features into the result and writes what normalises them; the second
compares them there. Tensors are (N, C, H, W), contiguous. float32, float16 and bfloat16 are read
as they are; results are in float32.
"""

# mypy: disallow-untyped-decorators=False

import torch
import triton
import triton.language as tl
from torch import Tensor

from cdfi.ops.common.triton import load_float32, row_and_columns
from cdfi.ops.cost_volume.triton import opposite_pixels
from cdfi.ops.match_features.reference import MIN_SQUARE
from cdfi.ops.warp.triton import bilinear, positions

COLUMNS, LANES = 64, 16


def forward(
    features0: Tensor, features1: Tensor, flow0: Tensor, flow1: Tensor, radius: int
) -> Tensor:
    """Compute :func:`cdfi.ops.match_features`."""
    batch, channels, height, width = features0.shape
    taps = (2 * radius + 1) ** 2
    planes = 2 * channels + taps
    out = flow0.new_empty((batch, planes, height, width), dtype=torch.float32)
    scales = flow0.new_empty((batch, 2, height, width), dtype=torch.float32)
    lines, blocks = batch * height, triton.cdiv(width, COLUMNS)
    for side, (features, flow) in enumerate(((features0, flow0), (features1, flow1))):
        warp_kernel[lines, blocks](
            *(features.contiguous(), flow.contiguous(), out, scales),
            *(channels, height, width, planes),
            SIDE=side,
            MIN_SQUARE=MIN_SQUARE,
            COLUMNS=COLUMNS,
            LANES=LANES,
        )
    volume_kernel[lines, blocks, taps](
        *(out, scales, channels, height, width, planes), RADIUS=radius, COLUMNS=COLUMNS
    )
    return out


@triton.jit
def warp_kernel(
    features: tl.tensor, flow: tl.tensor, out: tl.tensor, scales: tl.tensor,
    channels: tl.tensor, height: tl.tensor, width: tl.tensor, planes: tl.tensor,
    SIDE: tl.constexpr, MIN_SQUARE: tl.constexpr, COLUMNS: tl.constexpr, LANES: tl.constexpr,
) -> None:  # fmt: skip
    """Warp one side into its channels of ``out``, and write one over its root mean square.

    Grid: rows of all images, blocks of columns.
    """
    n, i, j = row_and_columns(height, COLUMNS)
    inside, plane, here = j < width, height * width, i * width + j
    y, x = positions(flow + n * 2 * plane, here, inside, plane, i, j, height, width)
    source = features + n * channels * plane
    target = out + (n * planes + SIDE * channels) * plane
    squares = tl.zeros((COLUMNS,), tl.float32)
    for first in range(0, channels, LANES):
        c = first + tl.arange(0, LANES)
        lanes = c < channels
        value = bilinear(source + (c * plane)[:, None], y, x, lanes, height, width)
        squares += tl.sum(value * value, 0)
        mask = lanes[:, None] & inside[None, :]
        tl.store(target + (c * plane)[:, None] + here[None, :], value, mask=mask)
    scale = 1.0 / tl.sqrt(squares / channels + MIN_SQUARE)
    tl.store(scales + (n * 2 + SIDE) * plane + here, scale, mask=inside)


@triton.jit
def volume_kernel(
    out: tl.tensor, scales: tl.tensor,
    channels: tl.tensor, height: tl.tensor, width: tl.tensor, planes: tl.tensor,
    RADIUS: tl.constexpr, COLUMNS: tl.constexpr,
) -> None:  # fmt: skip
    """Fill the last channels of ``out``. Grid: rows of all images, blocks of columns, D * D."""
    n, i, j = row_and_columns(height, COLUMNS)
    d = tl.program_id(2)
    before, after, inside = opposite_pixels(i, j, d, height, width, RADIUS)
    plane = height * width
    side0 = out + n * planes * plane
    side1 = side0 + channels * plane
    total = tl.zeros((COLUMNS,), tl.float32)
    for c in range(channels):
        a = load_float32(side0, c * plane + before, inside)
        total += a * load_float32(side1, c * plane + after, inside)
    of_scales = scales + n * 2 * plane
    total *= load_float32(of_scales, before, inside) / channels
    total *= load_float32(of_scales + plane, after, inside)
    target = side0 + (2 * channels + d) * plane + i * width + j
    tl.store(target, total, mask=j < width)

"""Bilinear enlargement on CUDA devices: a Triton kernel, some neighbouring pixels a program."""

# mypy: disallow-untyped-decorators=False

import triton
import triton.language as tl
from torch import Tensor

#: Numbers a program makes.
BLOCK = 2048


def enlarged_rows(
    x: Tensor,
    start: int,
    rows: int,
    size: tuple[int, int],
    top: int,
    bottom: int,
    corners: bool = True,
) -> Tensor:
    """:func:`cdfi.ops.resize.op.enlarged_rows` of (N, h, w, C), laid out like that, too."""
    x = x.contiguous()
    batch, known, columns, channels = x.shape
    height, width = size
    out = x.new_empty(batch, bottom - top, width, channels)
    lanes = triton.next_power_of_2(channels)
    pixels = max(BLOCK // lanes, 1)
    (down, above), (aside, left) = (
        _places(*sizes, corners) for sizes in ((rows, height), (columns, width))
    )
    kernel[(triton.cdiv((bottom - top) * width, pixels), batch)](
        *(x, out, known, columns, bottom - top, height, width, top),
        *(down, above - start, aside, left),
        CHANNELS=channels,
        PIXELS=pixels,
        LANES=lanes,
    )
    return out


def _places(known: int, wanted: int, corners: bool) -> tuple[float, float]:
    """The step from one place to the next among ``known``, and where the first one lies."""
    if corners:
        return (known - 1) / max(wanted - 1, 1), 0.0
    return known / wanted, 0.5 * known / wanted - 0.5


@triton.jit
def kernel(
    x: tl.tensor, out: tl.tensor,
    rows: tl.tensor, columns: tl.tensor, wanted: tl.tensor, height: tl.tensor, width: tl.tensor,
    top: tl.tensor, down_step: tl.tensor, down_start: tl.tensor,
    aside_step: tl.tensor, aside_start: tl.tensor,
    CHANNELS: tl.constexpr, PIXELS: tl.constexpr, LANES: tl.constexpr,
) -> None:  # fmt: skip
    """Fill ``out`` (N, wanted, width, C). Grid: blocks of pixels, N."""
    p = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    n = tl.program_id(1).to(tl.int64)
    c = tl.arange(0, LANES)[None, :]
    i, j, real = top + p // width, p % width, p < wanted * width
    inside = real & (i >= 0) & (i < height)
    y = tl.maximum(i * down_step + down_start, 0.0)
    z = tl.maximum(j * aside_step + aside_start, 0.0)
    upper, left = y.to(tl.int32), z.to(tl.int32)
    down, aside = (y - upper)[:, None], (z - left)[:, None]
    upper, left = tl.minimum(upper, rows - 1), tl.minimum(left, columns - 1)
    lower, right = tl.minimum(upper + 1, rows - 1), tl.minimum(left + 1, columns - 1)
    source = x + n * rows * columns * CHANNELS + c
    mask = inside[:, None] & (c < CHANNELS)
    above = _mixed(source, upper * columns + left, upper * columns + right, aside, mask, CHANNELS)
    below = _mixed(source, lower * columns + left, lower * columns + right, aside, mask, CHANNELS)
    target = out + n * wanted * width * CHANNELS + (p * CHANNELS)[:, None] + c
    tl.store(target, above + (below - above) * down, mask=real[:, None] & (c < CHANNELS))


@triton.jit
def _mixed(
    source: tl.tensor, left: tl.tensor, right: tl.tensor, share: tl.tensor, mask: tl.tensor,
    CHANNELS: tl.constexpr,
) -> tl.tensor:  # fmt: skip
    """Two neighbouring pixels, mixed; (PIXELS, LANES) in float32, 0 outside."""
    first = tl.load(source + (left * CHANNELS)[:, None], mask=mask, other=0.0).to(tl.float32)
    second = tl.load(source + (right * CHANNELS)[:, None], mask=mask, other=0.0).to(tl.float32)
    return first + (second - first) * share

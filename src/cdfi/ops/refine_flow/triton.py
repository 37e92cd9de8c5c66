"""Registration on CUDA devices: Triton kernels, some neighbouring columns a program.

A step or a try is two launches, and the products that a step is solved from one more. Tensors are
planar and in float32.
"""

# mypy: disallow-untyped-decorators=False

from collections.abc import Sequence

import torch
import triton
import triton.language as tl
from torch import Tensor

from cdfi.ops.common.triton import clamped, loaded
from cdfi.ops.refine_flow.op import AROUND, BETTER, FAINT, FLAT, LONGEST, PRODUCTS, RADIUS

COLUMNS = 64


def improve(
    frame0: Tensor, frame1: Tensor, flow: Tensor, start: Tensor, moves: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """A level's shift (N, 2, H, W), and both frames where it leads."""
    batch, channels, height, width = frame0.shape
    frames = (frame0.contiguous(), frame1.contiguous())
    flow, proposed = flow.contiguous(), start.contiguous().clone()
    shift = torch.zeros_like(proposed)
    sides, new_sides = (flow.new_empty((batch, 2 * channels, height, width)) for _ in range(2))
    error, gap = flow.new_full((batch, height, width), torch.inf), flow.new_empty(flow[:, 0].shape)
    products = flow.new_empty((batch, PRODUCTS, height, width))
    sizes = (channels, height, width)
    grid = (batch * height, triton.cdiv(width, COLUMNS))
    window = {"RADIUS": RADIUS, "COLUMNS": COLUMNS}

    def look(
        shown: Tensor, seen: Tensor, away: tuple[int, int] = (0, 0), step: bool = False
    ) -> None:
        look_kernel[grid](
            *(*frames, flow, shift, products, shown, seen, gap, *sizes, *away),
            **(window | {"FLAT": FLAT, "LONGEST": LONGEST, "PRODUCTS": PRODUCTS}),
            STEP=step,
            NEIGHBOURS=away != (0, 0),
        )
        keep_kernel[grid](*(gap, shown, seen, shift, sides, error, *sizes), **window, BETTER=BETTER)

    look(shift, sides)  # no shift
    look(proposed, new_sides)
    for move in moves:
        if not move:
            multiply_kernel[grid](
                *(sides, products, *sizes), FAINT=FAINT, PRODUCTS=PRODUCTS, COLUMNS=COLUMNS
            )
            look(proposed, new_sides, step=True)
        for rows, columns in AROUND if move else ():
            look(proposed, new_sides, (move * rows, move * columns))
    return shift, sides


@triton.jit
def look_kernel(
    frame0: tl.tensor, frame1: tl.tensor, flow: tl.tensor, shift: tl.tensor, products: tl.tensor,
    proposed: tl.tensor, sides: tl.tensor, gap: tl.tensor,
    channels: tl.tensor, height: tl.tensor, width: tl.tensor, rows: tl.tensor, columns: tl.tensor,
    STEP: tl.constexpr, NEIGHBOURS: tl.constexpr, PRODUCTS: tl.constexpr,
    FLAT: tl.constexpr, LONGEST: tl.constexpr, RADIUS: tl.constexpr, COLUMNS: tl.constexpr,
) -> None:  # fmt: skip
    """Both frames where flow and proposal lead, and the mean square of their difference.

    The proposal is the given one, that of a step, or the motion ``rows`` and ``columns`` away; the
    last two are written to ``proposed``. Grid: rows of all images, blocks of columns.
    """
    n, i, j = placed(height, COLUMNS)
    inside, plane, here = j < width, height * width, i * width + j
    ways, shifts = flow + n * 4 * plane, shift + n * 2 * plane
    proposal = proposed + n * 2 * plane + here
    y0, x0 = loaded(ways, here, inside), loaded(ways + plane, here, inside)
    y1 = loaded(ways + 2 * plane, here, inside)
    x1 = loaded(ways + 3 * plane, here, inside)
    if STEP:
        sums = products + n * PRODUCTS * plane
        down, right = solved(sums, i, j, height, width, FLAT, LONGEST, RADIUS)
        down += loaded(shifts, here, inside)
        right += loaded(shifts + plane, here, inside)
    elif NEIGHBOURS:
        y = tl.minimum(tl.maximum(i + rows, 0), height - 1)
        x = tl.minimum(tl.maximum(j + columns, 0), width - 1)
        there = y * width + x
        down = followed(ways, shifts, here, there, plane, inside)
        right = followed(ways + plane, shifts + plane, here, there, plane, inside)
    else:
        down, right = loaded(proposal, 0, inside), loaded(proposal, plane, inside)
    if STEP or NEIGHBOURS:
        tl.store(proposal, down, mask=inside)
        tl.store(proposal + plane, right, mask=inside)
    y, dy, fy = neighbours(i + y0 - down, height)
    x, dx, fx = neighbours(j + x0 - right, width)
    v, dv, gy = neighbours(i + y1 + down, height)
    u, du, gx = neighbours(j + x1 + right, width)
    place0, place1 = y * width + x, v * width + u
    total = tl.zeros((COLUMNS,), tl.float32)
    for c in range(channels):
        colours = (n * channels + c) * plane
        side0 = sampled(frame0 + colours + place0, dy * width, dx, fy, fx, inside)
        side1 = sampled(frame1 + colours + place1, dv * width, du, gy, gx, inside)
        target = sides + (n * 2 * channels + c) * plane + here
        tl.store(target, side0, mask=inside)
        tl.store(target + channels * plane, side1, mask=inside)
        total += (side1 - side0) * (side1 - side0)
    tl.store(gap + n * plane + here, total / channels, mask=inside)


@triton.jit
def keep_kernel(
    gap: tl.tensor, proposed: tl.tensor, new_sides: tl.tensor,
    shift: tl.tensor, sides: tl.tensor, error: tl.tensor,
    channels: tl.tensor, height: tl.tensor, width: tl.tensor,
    BETTER: tl.constexpr, RADIUS: tl.constexpr, COLUMNS: tl.constexpr,
) -> None:  # fmt: skip
    """Take over each place's proposal whose window differs less. Grid: as of ``look_kernel``."""
    n, i, j = placed(height, COLUMNS)
    inside, plane, here = j < width, height * width, i * width + j
    mean = windowed(gap + n * plane, i, j, height, width, RADIUS)
    errors = error + n * plane + here
    better = inside & (mean < BETTER * loaded(errors, 0, inside))
    tl.store(errors, mean, mask=better)
    for c in range(2):
        at = (n * 2 + c) * plane + here
        tl.store(shift + at, loaded(proposed, at, better), mask=better)
    for c in range(2 * channels):
        at = (n * 2 * channels + c) * plane + here
        tl.store(sides + at, loaded(new_sides, at, better), mask=better)


@triton.jit
def multiply_kernel(
    sides: tl.tensor, products: tl.tensor,
    channels: tl.tensor, height: tl.tensor, width: tl.tensor,
    FAINT: tl.constexpr, PRODUCTS: tl.constexpr, COLUMNS: tl.constexpr,
) -> None:  # fmt: skip
    """The products of gradients and differences, trusted less where the sides differ much.

    Grid: as of ``look_kernel``.
    """
    n, i, j = placed(height, COLUMNS)
    inside, plane, here = j < width, height * width, i * width + j
    above, below = tl.maximum(i - 1, 0) * width + j, tl.minimum(i + 1, height - 1) * width + j
    left, right = i * width + tl.maximum(j - 1, 0), i * width + tl.minimum(j + 1, width - 1)
    none = tl.zeros((COLUMNS,), tl.float32)
    yy, yx, xx, yd, xd, dd = none, none, none, none, none, none
    for c in range(channels):
        first = sides + (n * 2 * channels + c) * plane
        second = first + channels * plane
        down = loaded(first, below, inside) - loaded(first, above, inside)
        down = (down + loaded(second, below, inside) - loaded(second, above, inside)) / 4
        across = loaded(first, right, inside) - loaded(first, left, inside)
        across = (across + loaded(second, right, inside) - loaded(second, left, inside)) / 4
        difference = loaded(second, here, inside) - loaded(first, here, inside)
        yy, yx, xx = yy + down * down, yx + down * across, xx + across * across
        yd, xd, dd = yd + down * difference, xd + across * difference, dd + difference * difference
    trust = FAINT / tl.sqrt(dd / channels + FAINT * FAINT) / channels
    target = products + n * PRODUCTS * plane + here
    tl.store(target, trust * yy, mask=inside)
    tl.store(target + plane, trust * yx, mask=inside)
    tl.store(target + 2 * plane, trust * xx, mask=inside)
    tl.store(target + 3 * plane, trust * yd, mask=inside)
    tl.store(target + 4 * plane, trust * xd, mask=inside)


@triton.jit
def placed(height: tl.tensor, COLUMNS: tl.constexpr) -> tuple[tl.tensor, ...]:
    """The image, row and columns of a program. Grid: as of ``look_kernel``."""
    n, i = (tl.program_id(0) // height).to(tl.int64), tl.program_id(0) % height
    return n, i, tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)


@triton.jit
def followed(
    way: tl.tensor, shift: tl.tensor, here: tl.tensor, there: tl.tensor, plane: tl.tensor,
    inside: tl.tensor,
) -> tl.tensor:  # fmt: skip
    """The shift, along one axis, that gives places the motion of others; ``way`` is to frame 0."""
    other = loaded(way + 2 * plane, there, inside) - loaded(way, there, inside)
    own = loaded(way + 2 * plane, here, inside) - loaded(way, here, inside)
    return loaded(shift, there, inside) + (other - own) / 2


@triton.jit
def solved(
    products: tl.tensor, i: tl.tensor, j: tl.tensor, height: tl.tensor, width: tl.tensor,
    FLAT: tl.constexpr, LONGEST: tl.constexpr, RADIUS: tl.constexpr,
) -> tuple[tl.tensor, ...]:  # fmt: skip
    """What the two equations of a place say: rows and columns to move, at most ``LONGEST``."""
    plane = height * width
    yy = windowed(products, i, j, height, width, RADIUS) + FLAT
    yx = windowed(products + plane, i, j, height, width, RADIUS)
    xx = windowed(products + 2 * plane, i, j, height, width, RADIUS) + FLAT
    yd = windowed(products + 3 * plane, i, j, height, width, RADIUS)
    xd = windowed(products + 4 * plane, i, j, height, width, RADIUS)
    share = 2 * (yy * xx - yx * yx)
    down, right = (yx * xd - xx * yd) / share, (yx * yd - yy * xd) / share
    limit = LONGEST / tl.maximum(tl.sqrt(down * down + right * right), LONGEST)
    return down * limit, right * limit


@triton.jit
def windowed(
    plane: tl.tensor, i: tl.tensor, j: tl.tensor, height: tl.tensor, width: tl.tensor,
    RADIUS: tl.constexpr,
) -> tl.tensor:  # fmt: skip
    """A plane's mean about each place, edges repeated: two box filters in a row make a triangle."""
    inside = j < width
    total = tl.zeros(j.shape, tl.float32)
    for a in range(4 * RADIUS + 1):
        row = tl.minimum(tl.maximum(i + a - 2 * RADIUS, 0), height - 1) * width
        along = tl.zeros(j.shape, tl.float32)
        for b in range(4 * RADIUS + 1):
            column = tl.minimum(tl.maximum(j + b - 2 * RADIUS, 0), width - 1)
            along += triangle(b, RADIUS) * loaded(plane, row + column, inside)
        total += triangle(a, RADIUS) * along
    return total


@triton.jit
def triangle(place: tl.tensor, RADIUS: tl.constexpr) -> tl.tensor:
    """The weight of a place, counted from a window's first, along one axis."""
    side = 2.0 * RADIUS + 1.0
    return (side - tl.abs(place - 2.0 * RADIUS)) / (side * side)


@triton.jit
def neighbours(at: tl.tensor, size: tl.tensor) -> tuple[tl.tensor, ...]:
    """The pixel before a place clamped to an axis, the next one's distance, and its share."""
    at = clamped(at, size)
    first = at.to(tl.int32)
    return first, (first < size - 1).to(tl.int32), at - first


@triton.jit
def sampled(
    corner: tl.tensor, row: tl.tensor, column: tl.tensor, down: tl.tensor, right: tl.tensor,
    inside: tl.tensor,
) -> tl.tensor:  # fmt: skip
    """Bilinear samples between four neighbours, of which ``corner`` points to the first."""
    upper = (1 - right) * loaded(corner, 0, inside) + right * loaded(corner, column, inside)
    lower = (1 - right) * loaded(corner, row, inside)
    lower += right * loaded(corner, row + column, inside)
    return (1 - down) * upper + down * lower

"""The Triton kernels of flow refinement; a program computes some adjacent columns."""

# mypy: disallow-untyped-decorators=False

import triton
import triton.language as tl

from cdfi.ops.common.triton import clamp_index, clamp_position, load_float32, row_and_columns


@triton.jit
def evaluate_kernel(
    frame0: tl.tensor, frame1: tl.tensor, flow: tl.tensor, shift: tl.tensor, products: tl.tensor,
    candidate: tl.tensor, sides: tl.tensor, residual: tl.tensor,
    channels: tl.tensor, height: tl.tensor, width: tl.tensor, rows: tl.tensor, columns: tl.tensor,
    STEP: tl.constexpr, NEIGHBOURS: tl.constexpr, PRODUCTS: tl.constexpr,
    REGULARISATION: tl.constexpr, MAX_STEP: tl.constexpr,
    RADIUS: tl.constexpr, COLUMNS: tl.constexpr,
) -> None:  # fmt: skip
    """Warp both frames by flow and candidate; compute the mean square of their difference.

    The candidate is the given one, or that of a step, or the motion ``rows`` and ``columns`` away;
    the last two are written to ``candidate``. Grid: rows of all images, blocks of columns.
    """
    n, i, j = row_and_columns(height, COLUMNS)
    inside, plane, here = j < width, height * width, i * width + j
    flows, shifts = flow + n * 4 * plane, shift + n * 2 * plane
    own, sums = candidate + n * 2 * plane + here, products + n * PRODUCTS * plane
    y0, x0 = load_float32(flows, here, inside), load_float32(flows + plane, here, inside)
    y1 = load_float32(flows + 2 * plane, here, inside)
    x1 = load_float32(flows + 3 * plane, here, inside)
    down, right = propose(
        own, flows, shifts, sums, i, j, height, width, rows, columns,
        STEP, NEIGHBOURS, REGULARISATION, MAX_STEP, RADIUS,
    )  # fmt: skip
    at0, row0, column0, fy0, fx0 = locate(i + y0 - down, j + x0 - right, height, width)
    at1, row1, column1, fy1, fx1 = locate(i + y1 + down, j + x1 + right, height, width)
    total = tl.zeros((COLUMNS,), tl.float32)
    for c in range(channels):
        colours = (n * channels + c) * plane
        side0 = sample(frame0 + colours + at0, row0, column0, fy0, fx0, inside)
        side1 = sample(frame1 + colours + at1, row1, column1, fy1, fx1, inside)
        target = sides + (n * 2 * channels + c) * plane + here
        tl.store(target, side0, mask=inside)
        tl.store(target + channels * plane, side1, mask=inside)
        total += (side1 - side0) * (side1 - side0)
    tl.store(residual + n * plane + here, total / channels, mask=inside)


@triton.jit
def propose(
    candidate: tl.tensor, flow: tl.tensor, shift: tl.tensor, products: tl.tensor,
    i: tl.tensor, j: tl.tensor, height: tl.tensor, width: tl.tensor,
    rows: tl.tensor, columns: tl.tensor,
    STEP: tl.constexpr, NEIGHBOURS: tl.constexpr,
    REGULARISATION: tl.constexpr, MAX_STEP: tl.constexpr, RADIUS: tl.constexpr,
) -> tuple[tl.tensor, ...]:  # fmt: skip
    """Return the candidate's rows and columns; compute and store it first if it is a new one."""
    inside, plane, here = j < width, height * width, i * width + j
    if STEP:
        down, right = solve_step(products, i, j, height, width, REGULARISATION, MAX_STEP, RADIUS)
        down += load_float32(shift, here, inside)
        right += load_float32(shift + plane, here, inside)
    elif NEIGHBOURS:
        there = clamp_index(i + rows, height) * width + clamp_index(j + columns, width)
        down = neighbour_shift(flow, shift, here, there, plane, inside)
        right = neighbour_shift(flow + plane, shift + plane, here, there, plane, inside)
    else:
        down, right = load_float32(candidate, 0, inside), load_float32(candidate, plane, inside)
    if STEP or NEIGHBOURS:
        tl.store(candidate, down, mask=inside)
        tl.store(candidate + plane, right, mask=inside)
    return down, right


@triton.jit
def accept_kernel(
    residual: tl.tensor, candidate: tl.tensor, new_sides: tl.tensor,
    shift: tl.tensor, sides: tl.tensor, error: tl.tensor,
    channels: tl.tensor, height: tl.tensor, width: tl.tensor,
    ACCEPT_RATIO: tl.constexpr, RADIUS: tl.constexpr, COLUMNS: tl.constexpr,
) -> None:  # fmt: skip
    """Copy each pixel's candidate to the shift if it decreases the window's residual.

    Grid: like that of ``evaluate_kernel``.
    """
    n, i, j = row_and_columns(height, COLUMNS)
    inside, plane, here = j < width, height * width, i * width + j
    mean = window_mean(residual + n * plane, i, j, height, width, RADIUS)
    errors = error + n * plane + here
    better = inside & (mean < ACCEPT_RATIO * load_float32(errors, 0, inside))
    tl.store(errors, mean, mask=better)
    for c in range(2):
        at = (n * 2 + c) * plane + here
        tl.store(shift + at, load_float32(candidate, at, better), mask=better)
    for c in range(2 * channels):
        at = (n * 2 * channels + c) * plane + here
        tl.store(sides + at, load_float32(new_sides, at, better), mask=better)


@triton.jit
def multiply_kernel(
    sides: tl.tensor, products: tl.tensor,
    channels: tl.tensor, height: tl.tensor, width: tl.tensor,
    ROBUST_SCALE: tl.constexpr, PRODUCTS: tl.constexpr, COLUMNS: tl.constexpr,
) -> None:  # fmt: skip
    """Compute the products of gradients and differences, reduced if the sides differ much.

    Grid: like that of ``evaluate_kernel``.
    """
    n, i, j = row_and_columns(height, COLUMNS)
    inside, plane, here = j < width, height * width, i * width + j
    above, below = tl.maximum(i - 1, 0) * width + j, tl.minimum(i + 1, height - 1) * width + j
    left, right = i * width + tl.maximum(j - 1, 0), i * width + tl.minimum(j + 1, width - 1)
    zero = tl.zeros((COLUMNS,), tl.float32)
    yy, yx, xx, yd, xd, dd = zero, zero, zero, zero, zero, zero
    for c in range(channels):
        first = sides + (n * 2 * channels + c) * plane
        second = first + channels * plane
        down = load_float32(first, below, inside) - load_float32(first, above, inside)
        down = down + load_float32(second, below, inside) - load_float32(second, above, inside)
        across = load_float32(first, right, inside) - load_float32(first, left, inside)
        across = across + load_float32(second, right, inside) - load_float32(second, left, inside)
        down, across = down / 4, across / 4
        difference = load_float32(second, here, inside) - load_float32(first, here, inside)
        yy, yx, xx = yy + down * down, yx + down * across, xx + across * across
        yd, xd, dd = yd + down * difference, xd + across * difference, dd + difference * difference
    robust = ROBUST_SCALE / tl.sqrt(dd / channels + ROBUST_SCALE * ROBUST_SCALE) / channels
    target = products + n * PRODUCTS * plane + here
    tl.store(target, robust * yy, mask=inside)
    tl.store(target + plane, robust * yx, mask=inside)
    tl.store(target + 2 * plane, robust * xx, mask=inside)
    tl.store(target + 3 * plane, robust * yd, mask=inside)
    tl.store(target + 4 * plane, robust * xd, mask=inside)


@triton.jit
def neighbour_shift(
    flow: tl.tensor, shift: tl.tensor, here: tl.tensor, there: tl.tensor, plane: tl.tensor,
    inside: tl.tensor,
) -> tl.tensor:  # fmt: skip
    """Return the shift, on one axis, that gives pixels the motion of others.

    ``flow`` points to the axis of the flow to frame 0.
    """
    other = load_float32(flow + 2 * plane, there, inside) - load_float32(flow, there, inside)
    own = load_float32(flow + 2 * plane, here, inside) - load_float32(flow, here, inside)
    return load_float32(shift, there, inside) + (other - own) / 2


@triton.jit
def solve_step(
    products: tl.tensor, i: tl.tensor, j: tl.tensor, height: tl.tensor, width: tl.tensor,
    REGULARISATION: tl.constexpr, MAX_STEP: tl.constexpr, RADIUS: tl.constexpr,
) -> tuple[tl.tensor, ...]:  # fmt: skip
    """Return the Gauss-Newton step, rows and columns, at most ``MAX_STEP`` long."""
    plane = height * width
    yy = window_mean(products, i, j, height, width, RADIUS) + REGULARISATION
    yx = window_mean(products + plane, i, j, height, width, RADIUS)
    xx = window_mean(products + 2 * plane, i, j, height, width, RADIUS) + REGULARISATION
    yd = window_mean(products + 3 * plane, i, j, height, width, RADIUS)
    xd = window_mean(products + 4 * plane, i, j, height, width, RADIUS)
    determinant = 2 * (yy * xx - yx * yx)
    down, right = (yx * xd - xx * yd) / determinant, (yx * yd - yy * xd) / determinant
    limit = MAX_STEP / tl.maximum(tl.sqrt(down * down + right * right), MAX_STEP)
    return down * limit, right * limit


@triton.jit
def window_mean(
    plane: tl.tensor, i: tl.tensor, j: tl.tensor, height: tl.tensor, width: tl.tensor,
    RADIUS: tl.constexpr,
) -> tl.tensor:  # fmt: skip
    """Return a plane's mean around each pixel, edges repeated: two box filters, a triangle."""
    inside = j < width
    total = tl.zeros(j.shape, tl.float32)
    for a in range(4 * RADIUS + 1):
        row = clamp_index(i + a - 2 * RADIUS, height) * width
        along = tl.zeros(j.shape, tl.float32)
        for b in range(4 * RADIUS + 1):
            column = clamp_index(j + b - 2 * RADIUS, width)
            along += triangle(b, RADIUS) * load_float32(plane, row + column, inside)
        total += triangle(a, RADIUS) * along
    return total


@triton.jit
def triangle(index: tl.tensor, RADIUS: tl.constexpr) -> tl.tensor:
    """Return the weight of an index of a window, on one axis."""
    side = 2.0 * RADIUS + 1.0
    return (side - tl.abs(index - 2.0 * RADIUS)) / (side * side)


@triton.jit
def locate(
    y: tl.tensor, x: tl.tensor, height: tl.tensor, width: tl.tensor
) -> tuple[tl.tensor, ...]:  # fmt: skip
    """Return the first neighbour, the steps to the next row and column, and the fractions."""
    first_y, next_y, fy = split_position(y, height)
    first_x, next_x, fx = split_position(x, width)
    return first_y * width + first_x, next_y * width, next_x, fy, fx


@triton.jit
def split_position(position: tl.tensor, size: tl.tensor) -> tuple[tl.tensor, ...]:
    """Return the pixel of a position clamped to an axis, the next one's distance, a fraction."""
    position = clamp_position(position, size)
    first = position.to(tl.int32)
    return first, (first < size - 1).to(tl.int32), position - first


@triton.jit
def sample(
    corner: tl.tensor, row: tl.tensor, column: tl.tensor, fy: tl.tensor, fx: tl.tensor,
    inside: tl.tensor,
) -> tl.tensor:  # fmt: skip
    """Return bilinear samples between four neighbours; ``corner`` points to the first."""
    upper = (1 - fx) * load_float32(corner, 0, inside) + fx * load_float32(corner, column, inside)
    lower = (1 - fx) * load_float32(corner, row, inside)
    lower += fx * load_float32(corner, row + column, inside)
    return (1 - fy) * upper + fy * lower

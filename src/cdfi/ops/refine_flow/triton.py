"""Flow refinement on CUDA devices: launches of the Triton kernels.

A candidate is two launches, and the products that a step is computed from one more. Tensors are
(N, planes, H, W), contiguous, in float32.
"""

from collections.abc import Sequence

import torch
import triton
from torch import Tensor

from cdfi.ops.refine_flow import triton_refinement
from cdfi.ops.refine_flow.reference import (
    ACCEPT_RATIO,
    MAX_STEP,
    NEIGHBOURS,
    PRODUCTS,
    RADIUS,
    REGULARISATION,
    ROBUST_SCALE,
)

COLUMNS = 64  # pixels per program
_WINDOW = {"RADIUS": RADIUS, "COLUMNS": COLUMNS}
_STEP = {"PRODUCTS": PRODUCTS, "REGULARISATION": REGULARISATION, "MAX_STEP": MAX_STEP, **_WINDOW}
_MULTIPLY = {"PRODUCTS": PRODUCTS, "ROBUST_SCALE": ROBUST_SCALE, "COLUMNS": COLUMNS}


def refine_level(
    frame0: Tensor, frame1: Tensor, flow: Tensor, start: Tensor, moves: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """Refine one level, as the reference does."""
    batch, channels, height, width = frame0.shape
    frames = (frame0.contiguous(), frame1.contiguous())
    flow, candidate = flow.contiguous(), start.contiguous().clone()
    shift = torch.zeros_like(candidate)
    sides, new_sides = (flow.new_empty((batch, 2 * channels, height, width)) for _ in range(2))
    error = flow.new_full((batch, height, width), torch.inf)
    residual = flow.new_empty(error.shape)
    products = flow.new_empty((batch, PRODUCTS, height, width))
    sizes = (channels, height, width)
    grid = (batch * height, triton.cdiv(width, COLUMNS))

    def evaluate(
        proposed: Tensor, warped: Tensor, distance: tuple[int, int] = (0, 0), step: bool = False
    ) -> None:
        """Warp with a candidate, and accept it where the residual decreases."""
        triton_refinement.evaluate_kernel[grid](
            *(*frames, flow, shift, products, proposed, warped, residual, *sizes, *distance),
            **(_STEP | {"STEP": step, "NEIGHBOURS": distance != (0, 0)}),
        )
        triton_refinement.accept_kernel[grid](
            *(residual, proposed, warped, shift, sides, error, *sizes),
            **(_WINDOW | {"ACCEPT_RATIO": ACCEPT_RATIO}),
        )

    evaluate(shift, sides)  # no shift
    evaluate(candidate, new_sides)
    for move in moves:
        if not move:
            triton_refinement.multiply_kernel[grid](sides, products, *sizes, **_MULTIPLY)
            evaluate(candidate, new_sides, step=True)
        for rows, columns in NEIGHBOURS if move else ():
            evaluate(candidate, new_sides, (move * rows, move * columns))
    return shift, sides

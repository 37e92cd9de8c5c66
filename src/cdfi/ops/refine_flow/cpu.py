"""Flow refinement on the CPU: memory layouts and threads around the Numba kernels."""

from collections.abc import Sequence

import torch
from torch import Tensor

from cdfi.common.threads import over_lines
from cdfi.ops.refine_flow import cpu_refinement
from cdfi.ops.refine_flow.reference import NEIGHBOURS, PRODUCTS


def refine_level(
    frame0: Tensor, frame1: Tensor, flow: Tensor, start: Tensor, moves: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """Refine one level, as the reference does; all tensors are float32 or float64."""
    batch, channels, height, width = frame0.shape
    images = [x.permute(0, 2, 3, 1).contiguous().numpy() for x in (frame0, frame1)]
    flows = flow.contiguous().numpy()
    window = cpu_refinement.WINDOW.astype(flows.dtype)

    def empty(planes: int) -> Tensor:
        return flow.new_empty((batch, planes, height, width))

    shift, candidate = torch.zeros_like(empty(2)), torch.zeros_like(empty(2))
    sides, new_sides = empty(2 * channels), empty(2 * channels).numpy()
    error, residual = empty(1).fill_(torch.inf).numpy(), empty(1).numpy()
    products = empty(PRODUCTS).numpy()
    now, proposed, kept = shift.numpy(), candidate.numpy(), sides.numpy()
    lines = batch * height

    def evaluate(warped: cpu_refinement.Array) -> None:
        """Warp with the candidate, and accept it where the residual decreases."""
        over_lines(cpu_refinement.sample, lines, *images, flows, proposed, warped, residual)
        over_lines(
            *(cpu_refinement.accept, lines, residual, window),
            *(proposed, warped, now, kept, error),
        )

    evaluate(kept)  # no shift
    candidate.copy_(start)
    evaluate(new_sides)
    for move in moves:
        if not move:
            over_lines(cpu_refinement.multiply, lines, kept, products)
            over_lines(cpu_refinement.step, lines, products, window, now, proposed)
            evaluate(new_sides)
        for rows, columns in NEIGHBOURS if move else ():
            distance = (move * rows, move * columns)
            over_lines(cpu_refinement.neighbour_shift, lines, flows, now, proposed, *distance)
            evaluate(new_sides)
    return shift, sides

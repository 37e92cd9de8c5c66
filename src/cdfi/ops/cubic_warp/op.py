"""Backward warping with cubic convolution: the checked, differentiable operation."""

from typing import Any

import torch
from torch import Tensor

from cdfi.ops.common.autograd import reference_gradients
from cdfi.ops.common.backends import has_kernel
from cdfi.ops.common.dispatch import call
from cdfi.ops.common.layout import empty_result
from cdfi.ops.cubic_warp.reference import cubic_warp_reference
from cdfi.ops.warp.op import check_warp


def cubic_warp(frame: Tensor, flow: Tensor, sharpness: Tensor) -> Tensor:
    """Sample ``frame`` at p + flow(p) for every pixel p, by adjustable cubic convolution.

    The result is ``linear + sharpness * (cubic - linear)``. Cubic convolution is Keys, "Cubic
    Convolution Interpolation for Digital Image Processing", IEEE TASSP 1981, with a = -0.75, as in
    ``torch.nn.functional.grid_sample``. A sharpness of 0 is bilinear sampling; above 1, more is
    restored of what sampling blurs.

    Args:
        frame: (N, C, H, W).
        flow: (N, 2, h, w) in pixels of ``frame``, rows then columns. Positions beyond the frame
            take its edge; a position that is NaN counts as 0.
        sharpness: (N, 1, h, w).

    Returns:
        (N, C, h, w) in at least float32; channels-last in memory on a CPU. All inputs have exact
        gradients.

    Raises:
        ValueError: the shapes do not fit together, or the devices differ.
    """
    check_warp(frame, flow)
    if sharpness.shape != (len(flow), 1, *flow.shape[2:]) or sharpness.device != flow.device:
        raise ValueError(
            f"expected sharpness (N, 1, h, w) for the flow {tuple(flow.shape)} on its device, got "
            f"{tuple(sharpness.shape)} on {sharpness.device}"
        )
    if not has_kernel(frame, flow, sharpness):
        return cubic_warp_reference(frame, flow, sharpness)
    warped: Tensor = call(_cubic_warp, _cpu, frame, flow, sharpness)
    return warped


def _cpu(frame: Tensor, flow: Tensor, sharpness: Tensor) -> Tensor:
    from cdfi.ops.cubic_warp import cpu

    return cpu.forward(frame, flow, sharpness)


_cubic_warp = torch.library.custom_op("cdfi::cubic_warp", _cpu, mutates_args=(), device_types="cpu")


@_cubic_warp.register_kernel("cuda")
def _cuda(frame: Tensor, flow: Tensor, sharpness: Tensor) -> Tensor:
    from cdfi.ops.cubic_warp import triton

    return triton.forward(frame, flow, sharpness)


@_cubic_warp.register_fake
def _fake(frame: Tensor, flow: Tensor, sharpness: Tensor) -> Tensor:
    return empty_result(flow, (*frame.shape[:2], *flow.shape[2:]))


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs)


def _backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    return tuple(reference_gradients(cubic_warp_reference, grad, ctx.saved_tensors))


_cubic_warp.register_autograd(_backward, setup_context=_setup_context)

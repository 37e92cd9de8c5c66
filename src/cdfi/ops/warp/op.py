"""Bilinear backward warping: the checked, differentiable operation."""

from typing import Any

import torch
from torch import Tensor

from cdfi.ops.common.autograd import reference_gradients
from cdfi.ops.common.backends import has_kernel
from cdfi.ops.common.dispatch import call
from cdfi.ops.common.layout import empty_result
from cdfi.ops.warp.reference import warp_reference


def warp(image: Tensor, flow: Tensor) -> Tensor:
    """Sample ``image`` at p + flow(p) for every pixel p, with bilinear weights.

    Args:
        image: (N, C, H, W) features or colours.
        flow: (N, 2, h, w) in pixels of ``image``, rows then columns. Positions beyond the image
            are clamped to its edge; a position that is NaN counts as 0.

    Returns:
        (N, C, h, w) in at least float32; channels-last in memory on a CPU. Both inputs have exact
        gradients.

    Raises:
        ValueError: the shapes do not fit together, or the devices differ.
    """
    check_warp(image, flow)
    if not has_kernel(image, flow):
        return warp_reference(image, flow)
    warped: Tensor = call(_warp, _cpu, image, flow)
    return warped


def check_warp(image: Tensor, flow: Tensor) -> None:
    """Raise ValueError unless ``flow`` can sample ``image``."""
    fits = image.dim() == flow.dim() == 4 and flow.shape[:2] == (len(image), 2)
    if not fits or 0 in image.shape[2:]:
        raise ValueError(
            "expected an image (N, C, H, W) and a flow (N, 2, h, w), got "
            f"{tuple(image.shape)} and {tuple(flow.shape)}"
        )
    if image.device != flow.device:
        raise ValueError("expected image and flow on one device: move them with .to(device)")


def _cpu(image: Tensor, flow: Tensor) -> Tensor:
    from cdfi.ops.warp import cpu

    return cpu.forward(image, flow)


_warp = torch.library.custom_op("cdfi::warp", _cpu, mutates_args=(), device_types="cpu")


@_warp.register_kernel("cuda")
def _cuda(image: Tensor, flow: Tensor) -> Tensor:
    from cdfi.ops.warp import triton

    return triton.forward(image, flow)


@_warp.register_fake
def _fake(image: Tensor, flow: Tensor) -> Tensor:
    return empty_result(flow, (*image.shape[:2], *flow.shape[2:]))


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs)


def _backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    return tuple(reference_gradients(warp_reference, grad, ctx.saved_tensors))


_warp.register_autograd(_backward, setup_context=_setup_context)

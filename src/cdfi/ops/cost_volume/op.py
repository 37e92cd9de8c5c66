"""The bilateral cost volume in PyTorch: feature maps compared along linear motion."""

from typing import Any

import torch
from torch import Tensor

from cdfi.ops.common.backends import has_kernel
from cdfi.ops.common.dispatch import call
from cdfi.ops.cost_volume.reference import cost_volume_reference


def cost_volume(features0: Tensor, features1: Tensor, radius: int) -> Tensor:
    """Compute the inner products of ``features0`` at p - d and ``features1`` at p + d.

    An object that moves linearly through pixel p of the middle frame is at p - d in frame 0 and at
    p + d in frame 1. Source: Park et al., "BMBC: Bilateral Motion Estimation with Bilateral Cost
    Volume", ECCV 2020, section 3.1.

    Args:
        features0: (N, C, H, W).
        features1: (N, C, H, W), of the same dtype, on the same device.
        radius: largest d on each axis, in cells, at least 1. Beyond the border products are 0.

    Returns:
        (N, (2 * radius + 1)^2, H, W), d in row-major order from (-radius, -radius); channels-last
        in memory on a CPU. Both tensors have exact gradients, the same bits for any number of
        threads.

    Raises:
        ValueError: shapes, dtypes or devices differ, or the radius is below 1.
    """
    _check(features0, features1, radius)
    if not has_kernel(features0):
        return cost_volume_reference(features0, features1, radius)
    volume: Tensor = call(_cost_volume, _cpu, features0, features1, radius)
    return volume


def _check(features0: Tensor, features1: Tensor, radius: int) -> None:
    """Raise ValueError if the arguments do not fit together."""
    if features0.dim() != 4 or features0.shape != features1.shape:
        shapes = [tuple(x.shape) for x in (features0, features1)]
        raise ValueError(f"expected two tensors of one shape (N, C, H, W), got {shapes}")
    if not features0.is_floating_point() or features0.dtype != features1.dtype:
        dtypes = f"{features0.dtype} and {features1.dtype}"
        raise ValueError(f"expected one floating-point dtype, got {dtypes}")
    if features0.device != features1.device:
        raise ValueError("expected both tensors on one device: move them with .to(device)")
    if radius < 1:
        raise ValueError(f"expected a radius of at least 1, got {radius}")


def _cpu(features0: Tensor, features1: Tensor, radius: int) -> Tensor:
    from cdfi.ops.cost_volume import cpu

    return cpu.forward(features0, features1, radius)


_cost_volume = torch.library.custom_op(
    "cdfi::cost_volume", _cpu, mutates_args=(), device_types="cpu"
)


@_cost_volume.register_kernel("cuda")
def _cuda(features0: Tensor, features1: Tensor, radius: int) -> Tensor:
    from cdfi.ops.cost_volume import triton

    return triton.forward(features0, features1, radius)


@_cost_volume.register_fake
def _fake(features0: Tensor, features1: Tensor, radius: int) -> Tensor:
    batch, _, height, width = features0.shape
    taps = (2 * radius + 1) ** 2
    if features0.device.type == "cuda":
        return features0.new_empty((batch, taps, height, width))
    return features0.new_empty((batch, height, width, taps)).permute(0, 3, 1, 2)


@torch.library.custom_op("cdfi::cost_volume_backward", mutates_args=(), device_types="cpu")
def _cost_volume_backward(
    grad: Tensor, features0: Tensor, features1: Tensor, radius: int
) -> tuple[Tensor, Tensor]:
    from cdfi.ops.cost_volume import cpu

    return cpu.backward(grad, features1, radius, 1), cpu.backward(grad, features0, radius, -1)


@_cost_volume_backward.register_kernel("cuda")
def _backward_cuda(
    grad: Tensor, features0: Tensor, features1: Tensor, radius: int
) -> tuple[Tensor, Tensor]:
    from cdfi.ops.cost_volume import triton

    return triton.backward(grad, features1, radius, 1), triton.backward(grad, features0, radius, -1)


@_cost_volume_backward.register_fake
def _fake_backward(
    grad: Tensor, features0: Tensor, features1: Tensor, radius: int
) -> tuple[Tensor, Tensor]:
    return features0.new_empty(features0.shape), features1.new_empty(features1.shape)


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs[:2])
    ctx.radius = inputs[2]


def _backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
    return (*_cost_volume_backward(grad, *ctx.saved_tensors, ctx.radius), None)


_cost_volume.register_autograd(_backward, setup_context=_setup_context)
# Autocast needs no rule: both tensors have the dtype of one layer's output, and sums are float32.

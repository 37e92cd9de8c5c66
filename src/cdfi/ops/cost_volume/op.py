"""The bilateral cost volume: two descriptions of a scene compared along straight motions."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from cdfi.ops.common.backends import has_kernel, kernels


def cost_volume(first: Tensor, second: Tensor, radius: int) -> Tensor:
    """The products of ``first`` at p - d and ``second`` at p + d, summed over channels.

    What moves evenly through place p of the middle frame was at p - d and will be at p + d: Park et
    al., "BMBC: Bilateral Motion Estimation with Bilateral Cost Volume", ECCV 2020, section 3.1.

    Args:
        first, second: (N, C, H, W), of one dtype, on one device.
        radius: largest d on each axis, in cells, at least 1. Beyond the border products are 0.

    Returns:
        (N, (2 * radius + 1)^2, H, W), d in row-major order from (-radius, -radius); channels-last
        in memory on a CPU. Both tensors have exact gradients, the same bits for any number of
        threads.

    Raises:
        ValueError: shapes, dtypes or devices that differ, or a radius below 1.
    """
    _check(first, second, radius)
    if not has_kernel(first):
        return cost_volume_reference(first, second, radius)
    volume: Tensor = _cost_volume(first, second, radius)
    return volume


def cost_volume_reference(first: Tensor, second: Tensor, radius: int) -> Tensor:
    """:func:`cost_volume` in plain differentiable PyTorch, on any device: its definition."""
    height, width = first.shape[2:]
    first, second = (F.pad(x, [radius] * 4) for x in (first, second))
    last, side = 2 * radius, range(2 * radius + 1)

    def at(x: Tensor, row: int, column: int) -> Tensor:
        return x[:, :, row : row + height, column : column + width]

    return torch.stack(
        [(at(first, last - y, last - x) * at(second, y, x)).sum(1) for y in side for x in side], 1
    )


def _check(first: Tensor, second: Tensor, radius: int) -> None:
    if first.dim() != 4 or first.shape != second.shape:
        shapes = [tuple(x.shape) for x in (first, second)]
        raise ValueError(f"expected two tensors of one shape (N, C, H, W), got {shapes}")
    if not first.is_floating_point() or first.dtype != second.dtype:
        raise ValueError(f"expected one floating-point dtype, got {first.dtype} and {second.dtype}")
    if first.device != second.device:
        raise ValueError("expected both tensors on one device: move them with .to(device)")
    if radius < 1:
        raise ValueError(f"expected a radius of at least 1, got {radius}")


@torch.library.custom_op("cdfi::cost_volume", mutates_args=())
def _cost_volume(first: Tensor, second: Tensor, radius: int) -> Tensor:
    volume: Tensor = kernels(first.device, "cost_volume").forward(first, second, radius)
    return volume


@torch.library.custom_op("cdfi::cost_volume_backward", mutates_args=())
def _cost_volume_backward(
    grad: Tensor, first: Tensor, second: Tensor, radius: int
) -> tuple[Tensor, Tensor]:
    """Gradients of ``first`` and ``second``."""
    backward = kernels(first.device, "cost_volume").backward
    return backward(grad, second, radius, 1), backward(grad, first, radius, -1)


@_cost_volume.register_fake
def _fake(first: Tensor, second: Tensor, radius: int) -> Tensor:
    batch, _, height, width = first.shape
    taps = (2 * radius + 1) ** 2
    if first.device.type == "cuda":
        return first.new_empty((batch, taps, height, width))
    return first.new_empty((batch, height, width, taps)).permute(0, 3, 1, 2)


@_cost_volume_backward.register_fake
def _fake_backward(
    grad: Tensor, first: Tensor, second: Tensor, radius: int
) -> tuple[Tensor, Tensor]:
    return first.new_empty(first.shape), second.new_empty(second.shape)


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs[:2])
    ctx.radius = inputs[2]


def _backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
    return (*_cost_volume_backward(grad, *ctx.saved_tensors, ctx.radius), None)


_cost_volume.register_autograd(_backward, setup_context=_setup_context)

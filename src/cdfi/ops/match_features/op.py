"""Warped features and their cost volume: the checked, differentiable operation."""

from typing import Any

import torch
from torch import Tensor

from cdfi.ops.common.autograd import reference_gradients
from cdfi.ops.common.backends import has_kernel
from cdfi.ops.common.dispatch import call
from cdfi.ops.common.layout import empty_result
from cdfi.ops.match_features.reference import match_features_reference
from cdfi.ops.warp.op import check_warp


def match_features(
    features0: Tensor, features1: Tensor, flow0: Tensor, flow1: Tensor, radius: int
) -> Tensor:
    """Warp the features of both frames to one instant, and compute their cost volume.

    Both maps are sampled along their flow (:func:`cdfi.ops.warp`), divided by the root mean square
    of their channels, and compared by a bilateral cost volume (:func:`cdfi.ops.cost_volume`). A
    displacement d with a large product is motion that the flows do not contain yet.

    Args:
        features0: (N, C, H, W), of frame0.
        features1: the same of frame1.
        flow0: (N, 2, H, W) in pixels, rows then columns, from the instant to frame0.
        flow1: the same to frame1.
        radius: largest d on each axis, at least 1.

    Returns:
        (N, 2 * C + (2 * radius + 1)^2, H, W) in at least float32: the first map, the second, the
        volume as a mean over channels; channels-last in memory on a CPU. Features and flows have
        exact gradients.

    Raises:
        ValueError: the shapes do not fit together, the devices differ, or the radius is below 1.
    """
    check_warp(features0, flow0)
    check_warp(features1, flow1)
    if features0.shape != features1.shape or flow0.shape[2:] != features0.shape[2:]:
        raise ValueError(
            "expected features of one shape and flows of their size, got "
            f"{tuple(features0.shape)}, {tuple(features1.shape)} and {tuple(flow0.shape)}"
        )
    if flow0.shape != flow1.shape:
        shapes = f"{tuple(flow0.shape)} and {tuple(flow1.shape)}"
        raise ValueError(f"expected two flows of one shape (N, 2, H, W), got {shapes}")
    if radius < 1:
        raise ValueError(f"expected a radius of at least 1, got {radius}")
    arguments = features0, features1, flow0, flow1, radius
    if not has_kernel(*arguments[:4]):
        return match_features_reference(*arguments)
    matched: Tensor = call(_match_features, _cpu, *arguments)
    return matched


def _cpu(features0: Tensor, features1: Tensor, flow0: Tensor, flow1: Tensor, radius: int) -> Tensor:
    from cdfi.ops.match_features import cpu

    return cpu.forward(features0, features1, flow0, flow1, radius)


_match_features = torch.library.custom_op(
    "cdfi::match_features", _cpu, mutates_args=(), device_types="cpu"
)


@_match_features.register_kernel("cuda")
def _cuda(
    features0: Tensor, features1: Tensor, flow0: Tensor, flow1: Tensor, radius: int
) -> Tensor:
    from cdfi.ops.match_features import triton

    return triton.forward(features0, features1, flow0, flow1, radius)


@_match_features.register_fake
def _fake(
    features0: Tensor, features1: Tensor, flow0: Tensor, flow1: Tensor, radius: int
) -> Tensor:
    batch, channels, height, width = features0.shape
    return empty_result(flow0, (batch, 2 * channels + (2 * radius + 1) ** 2, height, width))


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs[:4])
    ctx.radius = inputs[4]


def _backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    inputs = (*ctx.saved_tensors, ctx.radius)
    return tuple(reference_gradients(match_features_reference, grad, inputs))


_match_features.register_autograd(_backward, setup_context=_setup_context)

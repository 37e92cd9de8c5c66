"""Flow refinement in PyTorch: registration corrects a flow from the two frames."""

from typing import Any

import torch
from torch import Tensor

from cdfi.ops.common.backends import has_kernel
from cdfi.ops.common.dispatch import call
from cdfi.ops.refine_flow.reference import coarse_to_fine, refine_flow_reference


def refine_flow(frame0: Tensor, frame1: Tensor, flow: Tensor, levels: int) -> tuple[Tensor, Tensor]:
    """Shift a bilateral flow so that both frames agree in a window around each pixel.

    The method is symmetric Lucas-Kanade, coarse to fine (Lucas and Kanade, IJCAI 1981; Bouguet's
    pyramids, 2001). Each pixel p of the middle frame has one shift s. It is subtracted from the
    flow to frame 0 and added to the flow to frame 1, so that ``frame0[p + flow0 - s]`` becomes
    equal to ``frame1[p + flow1 + s]``. Large differences count less (iteratively reweighted least
    squares). Steps end in the nearest local minimum; so each pixel also tries the motions of its
    neighbours, near and far (Barnes et al., "PatchMatch", SIGGRAPH 2009). A step, a neighbour's
    motion or the result of a coarser level is accepted only if the window's residual decreases.

    Args:
        frame0: (N, C, H, W) in [0, 1].
        frame1: (N, C, H, W) in [0, 1].
        flow: (N, 4, H, W) in pixels: row and column of the flow from the middle frame to frame 0,
            then to frame 1.
        levels: of the pyramid, at least 1; H and W are multiples of ``2 ** (levels - 1)``.

    Returns:
        The refined flow (N, 4, H, W), and both frames bilinearly sampled along it, clamped to their
        borders, (N, 2 * C, H, W), frame 0 first. Both are in at least float32. The gradient of the
        refined flow is 1 for ``flow`` (the shift counts as a constant) and 0 for the frames; the
        sampled frames have none.

    Raises:
        ValueError: the shapes do not fit together, the devices differ, or the frames are not
            divisible into these levels.
    """
    _check(frame0, frame1, flow, levels)
    if not has_kernel(frame0, frame1, flow):
        return refine_flow_reference(frame0, frame1, flow, levels)
    arguments = frame0, frame1, flow, levels
    refined: tuple[Tensor, Tensor] = call(_refine_flow, _cpu, *arguments)
    return refined


def _check(frame0: Tensor, frame1: Tensor, flow: Tensor, levels: int) -> None:
    """Raise ValueError if the arguments do not fit together."""
    if frame0.dim() != 4 or frame0.shape != frame1.shape:
        shapes = [tuple(x.shape) for x in (frame0, frame1)]
        raise ValueError(f"expected two frames of one shape (N, C, H, W), got {shapes}")
    batch, _, height, width = frame0.shape
    if flow.shape != (batch, 4, height, width):
        raise ValueError(
            f"expected a flow of shape {(batch, 4, height, width)}, got {tuple(flow.shape)}"
        )
    if not frame0.device == frame1.device == flow.device:
        raise ValueError("expected frames and flow on one device: move them with .to(device)")
    if levels < 1 or height % 2 ** (levels - 1) or width % 2 ** (levels - 1):
        raise ValueError(
            f"expected frames that are divisible into {levels} levels, got {width} x {height}: pad "
            "them to a multiple of 2 ** (levels - 1)"
        )


def _cpu(frame0: Tensor, frame1: Tensor, flow: Tensor, levels: int) -> tuple[Tensor, Tensor]:
    from cdfi.ops.refine_flow import cpu

    return coarse_to_fine(cpu.refine_level, frame0, frame1, flow, levels)


_refine_flow = torch.library.custom_op(
    "cdfi::refine_flow", _cpu, mutates_args=(), device_types="cpu"
)


@_refine_flow.register_kernel("cuda")
def _cuda(frame0: Tensor, frame1: Tensor, flow: Tensor, levels: int) -> tuple[Tensor, Tensor]:
    from cdfi.ops.refine_flow import triton

    return coarse_to_fine(triton.refine_level, frame0, frame1, flow, levels)


@_refine_flow.register_fake
def _fake(frame0: Tensor, frame1: Tensor, flow: Tensor, levels: int) -> tuple[Tensor, Tensor]:
    dtype = torch.promote_types(flow.dtype, torch.float32)
    batch, channels, height, width = frame0.shape
    sides = flow.new_empty((batch, 2 * channels, height, width), dtype=dtype)
    return flow.new_empty(flow.shape, dtype=dtype), sides


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    ctx.dtype = inputs[2].dtype
    ctx.mark_non_differentiable(output[1])


def _backward(ctx: Any, grad: Tensor, _: Tensor) -> tuple[None, None, Tensor, None]:
    return None, None, grad.to(ctx.dtype), None


_refine_flow.register_autograd(_backward, setup_context=_setup_context)
_refine_flow.register_autocast("cpu", torch.float32)

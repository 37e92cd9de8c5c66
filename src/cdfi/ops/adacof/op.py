"""The AdaCoF operation in PyTorch: its public functions and its registration."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from cdfi.ops.adacof.arguments import Maps, Sampling, check_arguments, check_flow, kernel_size
from cdfi.ops.adacof.reference import adacof_reference, tap_softmax
from cdfi.ops.common.backends import has_kernel, has_triton_kernel
from cdfi.ops.common.dispatch import call
from cdfi.ops.common.layout import empty_channels_last


def adacof(
    input: Tensor,
    weight: Tensor,
    offset_y: Tensor,
    offset_x: Tensor,
    *,
    dilation: int = 1,
    rounding: str = "floor",
) -> Tensor:
    """Warp ``input`` by a K x K kernel of free sampling points per pixel.

    ``result[n, c, i, j]`` is the sum over the taps (k, l) of ``weight[n, k*K + l, i, j]`` times the
    bilinear sample of ``input[n, c]`` at row ``i + k*dilation + offset_y`` and column
    ``j + l*dilation + offset_x``. Each of the four neighbours is clamped to the border.

    Args:
        input: (N, C, H + (K-1)*dilation, W + (K-1)*dilation), the padded image or feature.
        weight: (N, K*K, H, W).
        offset_y: (N, K*K, H, W), pixels downwards.
        offset_x: (N, K*K, H, W), pixels to the right.
        dilation: distance of adjacent taps at zero offset, in pixels, at least 1.
        rounding: how an offset is split into an integer and a fraction. ``"floor"`` is bilinear
            sampling. ``"trunc"`` rounds toward zero, so that negative offsets extrapolate; the
            released checkpoints were trained with it.

    Returns:
        (N, C, H, W) in the input's dtype, channels-last in memory on a CPU. All four tensors have
        exact gradients; on a CPU they are the same bits for any number of threads.

    Raises:
        ValueError: the shapes do not fit together, the devices differ, or the rounding is unknown.
    """
    maps, sampling = Maps(weight, offset_y, offset_x), Sampling(0, dilation, rounding)
    check_arguments(input, maps, sampling)
    rows = weight.shape[2] + (kernel_size(weight.shape[1]) - 1) * dilation
    if input.shape[2] != rows:
        raise ValueError(
            f"expected an input of {rows} rows (H + (K-1)*dilation), got {input.shape[2]}: "
            "pad the frame first"
        )
    return _run(input, maps, sampling)


def adacof_rows(
    input: Tensor,
    weight: Tensor,
    offset_y: Tensor,
    offset_x: Tensor,
    *,
    row: int,
    dilation: int = 1,
    rounding: str = "floor",
) -> Tensor:
    """Compute rows ``row`` to ``row + h`` of :func:`adacof`, bit for bit.

    Args:
        input: the complete padded input.
        weight: (N, K*K, h, W), those rows of the map.
        offset_y: (N, K*K, h, W).
        offset_x: (N, K*K, h, W).
        row: the first output row, at least 0.
        dilation: as in :func:`adacof`.
        rounding: as in :func:`adacof`.

    Returns:
        (N, C, h, W), as from :func:`adacof`.

    Raises:
        ValueError: as :func:`adacof`, or the input has too few rows.
    """
    maps, sampling = Maps(weight, offset_y, offset_x), Sampling(row, dilation, rounding)
    check_arguments(input, maps, sampling)
    return _run(input, maps, sampling)


def adacof_rows_from_logits(
    images: Sequence[Tensor],
    logits: Tensor,
    offset_y: Tensor,
    offset_x: Tensor,
    *,
    row: int,
    dilation: int = 1,
    rounding: str = "floor",
    flow: Tensor | None = None,
) -> list[Tensor]:
    """Compute :func:`adacof_rows` of several images with the softmax of ``logits`` as weights.

    For inference only: there is no gradient. On a GPU the kernel computes the softmax in registers
    and never writes a map of weights. On a CPU a frame of at most 4 channels and features are
    warped in one pass, and features in bfloat16 are multiplied in bfloat16 if the processor can.

    Args:
        images: complete padded inputs.
        logits: (N, K*K, h, W).
        offset_y: (N, K*K, h, W).
        offset_x: (N, K*K, h, W).
        row: the first output row, at least 0.
        dilation: as in :func:`adacof`.
        rounding: as in :func:`adacof`.
        flow: (N, 2, h, W), rows and columns in pixels, added to the offsets of all taps.

    Returns:
        One (N, C, h, W) per image, in the dtype of the image.

    Raises:
        ValueError: as :func:`adacof_rows`, or the flow has another shape or device.
    """
    maps, sampling = Maps(logits, offset_y, offset_x), Sampling(row, dilation, rounding)
    for image in images:
        check_arguments(image, maps, sampling)
    check_flow(flow, logits)
    if all(map(has_triton_kernel, [logits, *images])):
        from cdfi.ops.adacof import triton

        return [triton.forward(x, maps, sampling, softmax=True, flow=flow) for x in images]
    if flow is not None:
        offset_y, offset_x = offset_y + flow[:, :1], offset_x + flow[:, 1:]
    maps = Maps(tap_softmax(logits), offset_y, offset_x)
    return _run_all(images, maps, sampling)


def _run_all(images: Sequence[Tensor], maps: Maps, sampling: Sampling) -> list[Tensor]:
    """Warp all images; on a CPU, a frame of at most 4 channels and features in one pass."""
    is_frame = [image.shape[1] <= 4 for image in images]
    if has_kernel(*images) and maps.weight.is_cpu and is_frame == [True, False]:
        return list(call(_adacof_pair, _pair_cpu, *images, *maps, *sampling))
    return [_run(image, maps, sampling) for image in images]


def _run(input: Tensor, maps: Maps, sampling: Sampling) -> Tensor:
    """Compute some rows with the device's kernel, or with the reference if it has none."""
    if not has_kernel(input):
        row, dilation, rounding = sampling
        return adacof_reference(input, *maps, row=row, dilation=dilation, rounding=rounding)
    result: Tensor = call(_adacof, _cpu, input, *maps, *sampling)
    return result


_MAPS = "Tensor weight, Tensor offset_y, Tensor offset_x"
_SAMPLING = "SymInt row, SymInt dilation, str rounding"


def _grouped(arguments: tuple[Any, ...]) -> tuple[Maps, Sampling]:
    """Group weight, offset_y, offset_x, row, dilation and rounding."""
    return Maps(*arguments[:3]), Sampling(*arguments[3:])


def _cpu(input: Tensor, *rest: Any) -> Tensor:
    from cdfi.ops.adacof import cpu

    return cpu.forward(input, *_grouped(rest))


_adacof = torch.library.custom_op(
    "cdfi::adacof",
    _cpu,
    mutates_args=(),
    device_types="cpu",
    schema=f"(Tensor input, {_MAPS}, {_SAMPLING}) -> Tensor",
)


@_adacof.register_kernel("cuda")
def _cuda(input: Tensor, *rest: Any) -> Tensor:
    from cdfi.ops.adacof import triton

    return triton.forward(input, *_grouped(rest))


@_adacof.register_fake
def _fake(input: Tensor, weight: Tensor, *rest: Any) -> Tensor:
    batch, _, height, width = weight.shape
    return empty_channels_last(input, (batch, input.shape[1], height, width))


def _pair_cpu(frame: Tensor, features: Tensor, *rest: Any) -> tuple[Tensor, Tensor]:
    """Warp a frame and features by the same maps, without a gradient."""
    from cdfi.ops.adacof import cpu

    return cpu.forward_pair(frame, features, *_grouped(rest))


_adacof_pair = torch.library.custom_op(
    "cdfi::adacof_pair",
    _pair_cpu,
    mutates_args=(),
    device_types="cpu",
    schema=f"(Tensor frame, Tensor features, {_MAPS}, {_SAMPLING}) -> (Tensor, Tensor)",
)


@_adacof_pair.register_fake
def _fake_pair(frame: Tensor, features: Tensor, *rest: Any) -> tuple[Tensor, Tensor]:
    return _fake(frame, *rest), _fake(features, *rest)


@torch.library.custom_op(
    "cdfi::adacof_backward",
    mutates_args=(),
    device_types="cpu",
    schema=f"(Tensor grad, Tensor input, {_MAPS}, {_SAMPLING}, bool of_input, bool of_maps) -> "
    "(Tensor, Tensor, Tensor, Tensor)",
)
def _adacof_backward(*arguments: Any) -> tuple[Tensor, ...]:
    """Return the gradients of input, weight, offset_y, offset_x; empty if not asked for."""
    from cdfi.ops.adacof import cpu

    return _gradients(cpu, *arguments)


@_adacof_backward.register_kernel("cuda")
def _backward_cuda(*arguments: Any) -> tuple[Tensor, ...]:
    from cdfi.ops.adacof import triton

    return _gradients(triton, *arguments)


def _gradients(kernels: Any, grad: Tensor, input: Tensor, *rest: Any) -> tuple[Tensor, ...]:
    """Call the backward functions of ``cpu`` or ``triton``."""
    *settings, of_input, of_maps = rest
    maps, sampling = _grouped(tuple(settings))
    of_image, of_each = input.new_empty(0), tuple(m.new_empty(0) for m in maps)
    if of_input:
        of_image = kernels.backward_input(grad, input, maps, sampling)
    if of_maps:
        of_each = kernels.backward_maps(grad, input, maps, sampling)
    return of_image, *of_each


@_adacof_backward.register_fake
def _fake_backward(grad: Tensor, input: Tensor, *rest: Any) -> tuple[Tensor, ...]:
    *settings, of_input, of_maps = rest
    wanted = [(input, of_input), *((m, of_maps) for m in settings[:3])]
    return tuple(empty_channels_last(x, x.shape) if want else x.new_empty(0) for x, want in wanted)


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs[:4])
    ctx.sampling = inputs[4:]


def _backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    wanted = ctx.needs_input_grad[:4]
    gradients = _adacof_backward(
        grad, *ctx.saved_tensors, *ctx.sampling, wanted[0], any(wanted[1:])
    )
    return (*(g if want else None for g, want in zip(gradients, wanted)), None, None, None)


_adacof.register_autograd(_backward, setup_context=_setup_context)
# Under a CPU's autocast the image and the maps may have different precisions.
_adacof.register_autocast("cpu", torch.float32)

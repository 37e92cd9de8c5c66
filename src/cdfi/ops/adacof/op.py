"""The AdaCoF operation as PyTorch sees it: its checks and its registration."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from cdfi.ops.adacof.reference import adacof_reference
from cdfi.ops.common.backends import has_kernel, kernels

ROUNDINGS = ("floor", "trunc")


def adacof(
    input: Tensor,
    weight: Tensor,
    offset_y: Tensor,
    offset_x: Tensor,
    dilation: int = 1,
    rounding: str = "floor",
) -> Tensor:
    """Warp ``input`` by a K x K kernel of free sampling points a pixel.

    ``result[n, c, i, j]`` sums, over the taps (k, l), ``weight[n, k*K + l, i, j]`` times the
    bilinear sample of ``input[n, c]`` at row ``i + k*dilation + offset_y`` and column
    ``j + l*dilation + offset_x``; each of the four neighbours is clamped to the border.

    Args:
        input: (N, C, H + (K-1)*dilation, W + (K-1)*dilation), the padded image or feature.
        weight: (N, K*K, H, W).
        offset_y: (N, K*K, H, W), pixels downwards.
        offset_x: (N, K*K, H, W), pixels to the right.
        dilation: distance between neighbouring taps at zero offset, in pixels, at least 1.
        rounding: what splits an offset into whole pixels and a fraction. ``"floor"`` is bilinear
            sampling; ``"trunc"`` rounds toward zero, so that negative offsets extrapolate: the
            released checkpoints were trained with that.

    Returns:
        (N, C, H, W) in the input's dtype, channels-last in memory on a CPU. All four tensors have
        exact gradients; on a CPU they are the same bits for any number of threads.

    Raises:
        ValueError: shapes that do not fit together, mixed devices, or an unknown rounding.
    """
    _check(input, (weight, offset_y, offset_x), 0, dilation, rounding)
    rows = weight.shape[2] + (_kernel_size(weight.shape[1]) - 1) * dilation
    if input.shape[2] != rows:
        raise ValueError(
            f"expected an input of {rows} rows (H + (K-1)*dilation), got {input.shape[2]}: "
            "pad the frame first"
        )
    return _run(input, weight, offset_y, offset_x, 0, dilation, rounding)


def adacof_strip(
    input: Tensor,
    weight: Tensor,
    offset_y: Tensor,
    offset_x: Tensor,
    row: int,
    dilation: int = 1,
    rounding: str = "floor",
) -> Tensor:
    """Compute rows ``row`` to ``row + h`` of :func:`adacof`, bit for bit.

    ``input`` is the whole padded input; the maps (N, K*K, h, W) and the result (N, C, h, W) are
    that strip of the taller output.
    """
    _check(input, (weight, offset_y, offset_x), row, dilation, rounding)
    return _run(input, weight, offset_y, offset_x, row, dilation, rounding)


def adacof_logits_strip(
    images: Sequence[Tensor],
    logits: Tensor,
    offset_y: Tensor,
    offset_x: Tensor,
    row: int,
    dilation: int = 1,
    rounding: str = "floor",
    way: Tensor | None = None,
) -> list[Tensor]:
    """:func:`adacof_strip` of several images, by weights that are the softmax of ``logits``.

    ``logits`` is (N, K*K, h, W). ``way``, (N, 2, h, W) in pixels, is a motion (rows, columns) that
    the offsets of all taps are counted from. On a GPU the kernel normalises logits in registers,
    and no map of weights is ever written. On a CPU a frame of 3 or 4 channels and features are read
    in one pass, and features in bfloat16 are multiplied as such where the processor can. Not
    differentiable: it is for inference.
    """
    maps = (logits, offset_y, offset_x)
    for image in images:
        _check(image, maps, row, dilation, rounding)
    if not (logits.is_cuda and all(map(has_kernel, images))):
        if way is not None:
            offset_y, offset_x = offset_y + way[:, :1], offset_x + way[:, 1:]
        weighted = (shares(logits), offset_y, offset_x)
        if logits.device.type == "cpu" and _frame_and_features(images):
            return list(_adacof_both(*images, *weighted, row, dilation, rounding))
        return [_run(image, *weighted, row, dilation, rounding) for image in images]
    forward = kernels(logits.device, "adacof").forward
    return [forward(x, *maps, row, dilation, rounding, softmax=True, way=way) for x in images]


def _frame_and_features(images: Sequence[Tensor]) -> bool:
    """Whether these are what the CPU has a kernel for both of."""
    return [image.shape[1] <= 4 for image in images] == [True, False]


def shares(logits: Tensor) -> Tensor:
    """Softmax over the taps (dim 1), in at least float32: weights have to sum to 1.

    Sums of 0.999 would darken the frame. A tensor that lies channels-last stays so.
    """
    taps = logits.permute(0, 2, 3, 1)  # as a convolution leaves them, so that nothing is copied
    dtype = torch.promote_types(logits.dtype, torch.float32)
    return torch.softmax(taps, 3, dtype).permute(0, 3, 1, 2)


def _run(
    input: Tensor,
    weight: Tensor,
    offset_y: Tensor,
    offset_x: Tensor,
    row: int,
    dilation: int,
    rounding: str,
) -> Tensor:
    """Compute a strip by the device's kernel, or by the reference where it has none."""
    if not has_kernel(input):
        maps = (weight, offset_y, offset_x)
        return adacof_reference(input, *maps, dilation=dilation, rounding=rounding, row=row)
    result: Tensor = _adacof(input, weight, offset_y, offset_x, row, dilation, rounding)
    return result


def _check(
    input: Tensor, maps: tuple[Tensor, Tensor, Tensor], row: int, dilation: int, rounding: str
) -> None:
    """Raise ValueError where the arguments do not fit together."""
    if rounding not in ROUNDINGS:
        raise ValueError(f"expected rounding to be one of {ROUNDINGS}, got {rounding!r}")
    if dilation < 1 or row < 0:
        raise ValueError(f"expected dilation >= 1 and row >= 0, got {dilation} and {row}")
    if input.dim() != 4 or any(m.dim() != 4 for m in maps):
        raise ValueError("expected four tensors of 4 dimensions: (N, C, H, W) and (N, K*K, H, W)")
    if not all(values.is_floating_point() for values in (input, *maps)):
        raise ValueError("expected floating-point tensors: convert them with .float()")
    shapes = [tuple(m.shape) for m in maps]
    if shapes[0] != shapes[1] or shapes[0] != shapes[2]:
        raise ValueError(f"expected weight and offsets of one shape (N, K*K, H, W), got {shapes}")
    batch, taps, height, width = shapes[0]
    kernel = _kernel_size(taps)
    reach = (kernel - 1) * dilation
    if kernel**2 != taps or taps == 0:
        raise ValueError(f"expected K*K maps for a K x K kernel, got {taps}")
    if input.shape[0] != batch or input.shape[3] != width + reach:
        raise ValueError(
            f"expected an input of {batch} images and {width + reach} columns "
            f"(W + (K-1)*dilation), got {tuple(input.shape)}: pad the frame first"
        )
    if input.shape[2] < row + height + reach:
        raise ValueError(
            f"expected an input of at least {row + height + reach} rows, got {input.shape[2]}: "
            "pass the whole padded input"
        )
    if any(m.device != input.device for m in maps):
        raise ValueError("expected input and maps on one device: move them with .to(device)")


def _kernel_size(taps: int) -> int:
    """The least K with K*K >= taps. Counted: compilers cannot trace ``math.isqrt``."""
    kernel = 1
    while kernel * kernel < taps:
        kernel += 1
    return kernel


@torch.library.custom_op("cdfi::adacof", mutates_args=())
def _adacof(
    input: Tensor,
    weight: Tensor,
    offset_y: Tensor,
    offset_x: Tensor,
    row: int,
    dilation: int,
    rounding: str,
) -> Tensor:
    """The warp, by the kernel of the input's device."""
    result: Tensor = kernels(input.device, "adacof").forward(
        input, weight, offset_y, offset_x, row, dilation, rounding
    )
    return result


@torch.library.custom_op("cdfi::adacof_both", mutates_args=(), device_types="cpu")
def _adacof_both(
    frame: Tensor,
    features: Tensor,
    weight: Tensor,
    offset_y: Tensor,
    offset_x: Tensor,
    row: int,
    dilation: int,
    rounding: str,
) -> tuple[Tensor, Tensor]:
    """The warps of a frame and of features by the same maps."""
    result: tuple[Tensor, Tensor] = kernels(frame.device, "adacof").forward_both(
        frame, features, weight, offset_y, offset_x, row, dilation, rounding
    )
    return result


@torch.library.custom_op("cdfi::adacof_backward", mutates_args=())
def _adacof_backward(
    grad: Tensor,
    input: Tensor,
    weight: Tensor,
    offset_y: Tensor,
    offset_x: Tensor,
    row: int,
    dilation: int,
    rounding: str,
    of_input: bool,
    of_maps: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Gradients of input, weight, offset_y, offset_x; those not asked for come back empty."""
    own = kernels(input.device, "adacof")
    arguments = (grad, input, weight, offset_y, offset_x, row, dilation, rounding)
    of_image = own.backward_input(*arguments) if of_input else input.new_empty(0)
    maps = (weight, offset_y, offset_x)
    return (
        of_image,
        *(own.backward_maps(*arguments) if of_maps else (m.new_empty(0) for m in maps)),
    )


@_adacof.register_fake
def _fake(
    input: Tensor,
    weight: Tensor,
    offset_y: Tensor,
    offset_x: Tensor,
    row: int,
    dilation: int,
    rounding: str,
) -> Tensor:
    batch, _, height, width = weight.shape
    return _channels_last(input, (batch, input.shape[1], height, width))


@_adacof_both.register_fake
def _fake_both(frame: Tensor, features: Tensor, *rest: Any) -> tuple[Tensor, Tensor]:
    return _fake(frame, *rest), _fake(features, *rest)


@_adacof_backward.register_fake
def _fake_backward(
    grad: Tensor,
    input: Tensor,
    weight: Tensor,
    offset_y: Tensor,
    offset_x: Tensor,
    row: int,
    dilation: int,
    rounding: str,
    of_input: bool,
    of_maps: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    of_weight, of_y, of_x = (
        _channels_last(values, values.shape) if of_maps else values.new_empty(0)
        for values in (weight, offset_y, offset_x)
    )
    of_image = _channels_last(input, input.shape) if of_input else input.new_empty(0)
    return of_image, of_weight, of_y, of_x


def _channels_last(like: Tensor, shape: Sequence[int]) -> Tensor:
    """An empty (N, C, H, W) tensor whose channels lie side by side, as the kernels return it."""
    batch, channels, height, width = shape
    return like.new_empty((batch, height, width, channels)).permute(0, 3, 1, 2)


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs[:4])
    ctx.settings = inputs[4:]


def _backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    wanted = ctx.needs_input_grad[:4]
    gradients = _adacof_backward(
        grad, *ctx.saved_tensors, *ctx.settings, wanted[0], any(wanted[1:])
    )
    return (*(g if want else None for g, want in zip(gradients, wanted)), None, None, None)


_adacof.register_autograd(_backward, setup_context=_setup_context)
# Under a CPU's autocast the maps and the image may come in different precisions.
_adacof.register_autocast("cpu", torch.float32)

"""AdaCoF on the CPU: memory layout, precision and threads around the Numba kernels."""

from typing import Any

import torch
from torch import Tensor

from cdfi.common.threads import over_lines
from cdfi.ops.adacof import cpu_kernels
from cdfi.ops.common.layout import padded
from cdfi.ops.common.llvm import PAIRED


def forward(
    input: Tensor,
    weight: Tensor,
    offset_y: Tensor,
    offset_x: Tensor,
    row: int,
    dilation: int,
    rounding: str,
) -> Tensor:
    """Warp ``input`` (N, C, H', W') by maps (N, K*K, H, W); the result is channels-last.

    Half precision is computed in float32 and rounded once at the end.
    """
    dtype = input.dtype
    input, *tensors = _computed(input, weight, offset_y, offset_x)
    maps = _maps(tensors, row, dilation, rounding)
    image = padded(input)
    batch, height, width, _ = maps.weight.shape
    out = input.new_empty((batch, height, width, input.shape[1]))
    over_lines(
        cpu_kernels.forward(image.shape[3]), batch * height, maps, image.numpy(), out.numpy()
    )
    return out.permute(0, 3, 1, 2).to(dtype)


def forward_both(
    frame: Tensor,
    features: Tensor,
    weight: Tensor,
    offset_y: Tensor,
    offset_x: Tensor,
    row: int,
    dilation: int,
    rounding: str,
) -> tuple[Tensor, Tensor]:
    """Warp a frame of at most 4 channels and features by the same maps, which are read once.

    Features in bfloat16 are multiplied in bfloat16 and added in float32 where the processor can.
    """
    dtypes = frame.dtype, features.dtype
    settings: tuple[Any, ...]
    if features.dtype == torch.bfloat16 and cpu_kernels.has_bf16_dot():
        frame, image = frame.float(), padded(features, PAIRED).view(torch.int16)
        shift, offsets = _bits(offset_y, offset_x)
        settings = (_maps([weight.float(), *offsets], row, dilation, rounding), shift)
        kernel = cpu_kernels.forward_both_half(image.shape[3])
    else:
        frame, features, *maps = _computed(frame, features, weight, offset_y, offset_x)
        image = padded(features)
        settings = (_maps(maps, row, dilation, rounding),)
        kernel = cpu_kernels.forward_both(image.shape[3])
    batch, _, height, width = weight.shape
    of_frame = frame.new_empty((batch, height, width, frame.shape[1]))
    of_image = image.new_empty((batch, height, width, image.shape[3]))
    images = (x.numpy() for x in (padded(frame), image, of_frame, of_image))
    over_lines(kernel, batch * height, *settings, *images)
    of_features = of_image.view(dtypes[1]) if image.dtype == torch.int16 else of_image
    used = of_features[..., : features.shape[1]]
    return of_frame.permute(0, 3, 1, 2).to(dtypes[0]), used.permute(0, 3, 1, 2).to(dtypes[1])


def backward_maps(
    grad: Tensor,
    input: Tensor,
    weight: Tensor,
    offset_y: Tensor,
    offset_x: Tensor,
    row: int,
    dilation: int,
    rounding: str,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of weight, offset_y and offset_x, each in the dtype of its tensor."""
    dtypes = [values.dtype for values in (weight, offset_y, offset_x)]
    grad, input, *tensors = _computed(grad, input, weight, offset_y, offset_x)
    maps = _maps(tensors, row, dilation, rounding)
    image, gradient = padded(input), padded(grad)
    batch, height, width, taps = maps.weight.shape
    results = [input.new_empty((batch, height, width, taps)) for _ in range(3)]
    over_lines(
        *(cpu_kernels.backward_maps(image.shape[3]), batch * height, maps),
        *(gradient.numpy(), image.numpy(), tuple(result.numpy() for result in results)),
    )
    of_weight, of_y, of_x = (
        result.permute(0, 3, 1, 2).to(dtype) for result, dtype in zip(results, dtypes)
    )
    return of_weight, of_y, of_x


def backward_input(
    grad: Tensor,
    input: Tensor,
    weight: Tensor,
    offset_y: Tensor,
    offset_x: Tensor,
    row: int,
    dilation: int,
    rounding: str,
) -> Tensor:
    """The gradient of the input, in its dtype; the same bits for any number of threads."""
    dtype, (batch, channels, height, width) = input.dtype, input.shape
    grad, *tensors = _computed(grad, weight, offset_y, offset_x)
    maps = _maps(tensors, row, dilation, rounding)
    gradient = padded(grad)
    result = grad.new_zeros((batch, height, width, gradient.shape[3]))
    reach = torch.stack(torch.aminmax(torch.from_numpy(maps.offset_y).flatten(2), dim=2))
    over_lines(
        *(cpu_kernels.backward_input(gradient.shape[3]), batch * height, maps),
        *(reach.numpy(), gradient.numpy(), result.numpy()),
    )
    return result[..., :channels].to(dtype).contiguous().permute(0, 3, 1, 2)


def _computed(*tensors: Tensor) -> list[Tensor]:
    """The tensors in one precision that the kernels know: float64 if any is, else float32."""
    double = any(values.dtype == torch.float64 for values in tensors)
    dtype = torch.float64 if double else torch.float32
    return [values.detach().to(dtype) for values in tensors]


def _maps(tensors: list[Tensor], row: int, dilation: int, rounding: str) -> cpu_kernels.KernelMaps:
    """Maps (N, K*K, H, W) as (N, H, W, K*K): free when a channels-last convolution made them."""
    weight, offset_y, offset_x = (
        values.permute(0, 2, 3, 1).contiguous().numpy() for values in tensors
    )
    return cpu_kernels.KernelMaps(weight, offset_y, offset_x, row, dilation, rounding == "trunc")


def _bits(*tensors: Tensor) -> tuple[int, list[Tensor]]:
    """The tensors as integers, and by how many places these lie below the bits of a float32."""
    if all(values.dtype == torch.bfloat16 for values in tensors):
        return 16, [values.detach().view(torch.int16) for values in tensors]
    return 0, [values.detach().float().view(torch.int32) for values in tensors]

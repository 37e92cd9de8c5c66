"""AdaCoF on the CPU: memory layouts, precision and threads around the Numba kernels."""

from typing import Any

import torch
from torch import Tensor

from cdfi.common.threads import over_lines
from cdfi.ops.adacof import cpu_gradients, cpu_kernels, cpu_pair_kernels
from cdfi.ops.adacof.arguments import Maps, Sampling
from cdfi.ops.common.layout import pad_channels
from cdfi.ops.common.llvm_bf16 import PAIRED_LANES, has_bf16_dot


def forward(input: Tensor, maps: Maps, sampling: Sampling) -> Tensor:
    """Warp ``input`` (N, C, H', W') by maps (N, K*K, H, W); the result is channels-last.

    Half precision is computed in float32 and rounded once at the end.
    """
    dtype = input.dtype
    input, *tensors = _to_kernel_dtype(input, *maps)
    arrays = _map_arrays(tensors, sampling)
    image = pad_channels(input)
    batch, height, width, _ = arrays.weight.shape
    out = input.new_empty((batch, height, width, input.shape[1]))
    kernel = cpu_kernels.forward(image.shape[3])
    over_lines(kernel, batch * height, arrays, image.numpy(), out.numpy())
    return out.permute(0, 3, 1, 2).to(dtype)


def forward_pair(
    frame: Tensor, features: Tensor, maps: Maps, sampling: Sampling
) -> tuple[Tensor, Tensor]:
    """Warp a frame of at most 4 channels and features by the same maps, which are read once.

    Features in bfloat16 are multiplied in bfloat16 and added in float32 if the processor can.
    """
    dtypes = frame.dtype, features.dtype
    settings: tuple[Any, ...]
    if features.dtype == torch.bfloat16 and has_bf16_dot():
        frame, image = frame.float(), pad_channels(features, PAIRED_LANES).view(torch.int16)
        shift, offsets = _offset_bits(maps.offset_y, maps.offset_x)
        settings = (_map_arrays([maps.weight.float(), *offsets], sampling), shift)
        kernel = cpu_pair_kernels.forward_bf16(image.shape[3])
    else:
        frame, features, *tensors = _to_kernel_dtype(frame, features, *maps)
        image = pad_channels(features)
        settings = (_map_arrays(tensors, sampling),)
        kernel = cpu_pair_kernels.forward(image.shape[3])
    batch, _, height, width = maps.weight.shape
    out_frame = frame.new_empty((batch, height, width, frame.shape[1]))
    out_image = image.new_empty((batch, height, width, image.shape[3]))
    images = (x.numpy() for x in (pad_channels(frame), image, out_frame, out_image))
    over_lines(kernel, batch * height, *settings, *images)
    if image.dtype == torch.int16:
        out_image = out_image.view(torch.bfloat16)
    out_features = out_image[..., : features.shape[1]]
    return (
        out_frame.permute(0, 3, 1, 2).to(dtypes[0]),
        out_features.permute(0, 3, 1, 2).to(dtypes[1]),
    )


def backward_maps(
    grad: Tensor, input: Tensor, maps: Maps, sampling: Sampling
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradients of weight, offset_y and offset_x, each in the dtype of its tensor."""
    dtypes = [values.dtype for values in maps]
    grad, input, *tensors = _to_kernel_dtype(grad, input, *maps)
    arrays = _map_arrays(tensors, sampling)
    image, gradient = pad_channels(input), pad_channels(grad)
    batch, height, width, taps = arrays.weight.shape
    results = [input.new_empty((batch, height, width, taps)) for _ in range(3)]
    over_lines(
        *(cpu_gradients.backward_maps(image.shape[3]), batch * height, arrays),
        *(gradient.numpy(), image.numpy(), tuple(result.numpy() for result in results)),
    )
    of_weight, of_y, of_x = (
        result.permute(0, 3, 1, 2).to(dtype) for result, dtype in zip(results, dtypes)
    )
    return of_weight, of_y, of_x


def backward_input(grad: Tensor, input: Tensor, maps: Maps, sampling: Sampling) -> Tensor:
    """Return the input's gradient, in its dtype; the same bits for any number of threads."""
    dtype, (batch, channels, height, width) = input.dtype, input.shape
    grad, *tensors = _to_kernel_dtype(grad, *maps)
    arrays = _map_arrays(tensors, sampling)
    gradient = pad_channels(grad)
    result = grad.new_zeros((batch, height, width, gradient.shape[3]))
    reach = torch.stack(torch.aminmax(torch.from_numpy(arrays.offset_y).flatten(2), dim=2))
    over_lines(
        *(cpu_gradients.backward_input(gradient.shape[3]), batch * height, arrays),
        *(reach.numpy(), gradient.numpy(), result.numpy()),
    )
    return result[..., :channels].to(dtype).contiguous().permute(0, 3, 1, 2)


def _to_kernel_dtype(*tensors: Tensor) -> list[Tensor]:
    """Return the tensors in one precision: float64 if any of them has it, else float32."""
    double = any(values.dtype == torch.float64 for values in tensors)
    dtype = torch.float64 if double else torch.float32
    return [values.detach().to(dtype) for values in tensors]


def _map_arrays(tensors: list[Tensor], sampling: Sampling) -> cpu_kernels.MapArrays:
    """Return maps (N, K*K, H, W) as (N, H, W, K*K), without a copy if they are channels-last."""
    weight, offset_y, offset_x = (
        values.permute(0, 2, 3, 1).contiguous().numpy() for values in tensors
    )
    row, dilation, rounding = sampling
    return cpu_kernels.MapArrays(weight, offset_y, offset_x, row, dilation, rounding == "trunc")


def _offset_bits(*tensors: Tensor) -> tuple[int, list[Tensor]]:
    """Return offsets as integers, and the left shift that makes them the bits of a float32."""
    if all(values.dtype == torch.bfloat16 for values in tensors):
        return 16, [values.detach().view(torch.int16) for values in tensors]
    return 0, [values.detach().float().view(torch.int32) for values in tensors]

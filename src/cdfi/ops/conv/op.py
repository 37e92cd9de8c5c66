"""A convolution whose bias and activation take one pass over memory, for inference."""

import torch.nn.functional as F
from torch import Tensor, channels_last

from cdfi.ops.common.backends import has_triton_kernel

Size = int | tuple[int, ...]


def conv_bias_act(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    slope: float = 1.0,
    *,
    stride: Size = 1,
    padding: Size | str = 0,
) -> Tensor:
    """Convolve, add the bias and apply the activation, without a gradient.

    On a GPU, PyTorch adds the bias with a separate kernel, which reads and writes the complete
    result, and applies the activation with another one. Our Triton kernel does both in place.

    Args:
        x: (N, C, H, W).
        weight: (O, C, k, k).
        bias: (O,), or None.
        slope: factor of negative results: 0 is a ReLU, 1 the identity.
        stride: as in ``F.conv2d``.
        padding: as in ``F.conv2d``.

    Returns:
        (N, O, H', W'), as from ``F.conv2d``.
    """
    result = F.conv2d(x, weight, None if x.is_cuda else bias, stride, padding)
    if x.is_cuda and bias is not None:
        # The kernel needs dense channels-last memory, which convolutions usually return.
        if has_triton_kernel(result) and result.is_contiguous(memory_format=channels_last):
            from cdfi.ops.conv import triton

            triton.add_bias_act_(result, bias, slope)
            return result
        result += bias[:, None, None]
    return result if slope == 1 else F.leaky_relu_(result, slope)

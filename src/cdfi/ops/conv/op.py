"""What follows a convolution: bias and activation, in one pass over memory."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from cdfi.ops.common.backends import has_kernel, kernels


def convolved(
    x: Tensor, weight: Tensor, bias: Tensor | None, slope: float = 1.0, **where: Any
) -> Tensor:
    """A convolution and its activation; inference only.

    On a GPU the bias is added by a kernel of its own, which reads and writes the whole result, and
    the activation by one more: there one kernel of ours does both in place.

    Args:
        x: (N, C, H, W).
        weight, bias: as of ``F.conv2d``.
        slope: what negative results are multiplied by: 0 is a ReLU, 1 leaves them alone.
        where: ``stride``, ``padding``, ... of ``F.conv2d``.
    """
    # What the kernel reads has to be dense pixel by pixel, as convolutions leave it there.
    if x.is_cuda and bias is not None:
        made = F.conv2d(x, weight, None, **where)
        if has_kernel(made) and made.is_contiguous(memory_format=torch.channels_last):
            kernels(made.device, "conv").finish_(made, bias, slope)
            return made
        made += bias[:, None, None]
    else:
        made = F.conv2d(x, weight, bias, **where)
    return made if slope == 1 else F.leaky_relu_(made, slope)

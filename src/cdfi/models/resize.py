"""Bilinear resizing in the precision of what comes in."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def resized(x: Tensor, size: tuple[int, int] | None = None, **how: Any) -> Tensor:
    """``F.interpolate`` by bilinear mixing.

    A GPU's autocast would do it in float32, from numbers in half precision and for a convolution
    that wants such: three passes over memory instead of one. Gradients are summed, and stay there.

    Args:
        x: (N, C, H, W).
        size: rows and columns of the result.
        how: ``scale_factor``, ``align_corners``.
    """
    if x.is_cuda and not torch.is_grad_enabled():
        with torch.autocast(x.device.type, enabled=False):
            return F.interpolate(x, size, mode="bilinear", **how)
    return F.interpolate(x, size, mode="bilinear", **how)

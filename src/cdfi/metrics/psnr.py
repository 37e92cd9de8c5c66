"""Peak signal-to-noise ratio."""

import math

import torch
from torch import Tensor

from cdfi.metrics.checks import precise


def psnr(x: Tensor, y: Tensor, data_range: float = 1.0) -> Tensor:
    """Return ``10 log10(data_range^2 / MSE)`` of each image, over all its pixels and channels.

    Args:
        x: images ``(N, C, H, W)``, floats.
        y: images of the same shape.
        data_range: difference between white and black.

    Returns:
        ``(N,)`` in decibels; infinite for equal images, with a gradient of 0.

    Raises:
        ValueError: the shapes differ or the images are not floats.
    """
    x, y = precise(x, y)
    mse = (x - y).square().flatten(1).mean(dim=1)
    # The logarithm of 0 is not evaluated, as its gradient would be NaN even where it is not used.
    equal = mse == 0
    decibels = 10 * (data_range**2 / torch.where(equal, 1.0, mse)).log10()
    return torch.where(equal, math.inf, decibels)

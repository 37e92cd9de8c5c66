"""Peak signal-to-noise ratio."""

from torch import Tensor

from cdfi.metrics.checks import precise


def psnr(x: Tensor, y: Tensor, data_range: float = 1.0) -> Tensor:
    """``10 log10(data_range^2 / MSE)`` of each image, over all its pixels and channels.

    Args:
        x, y: Images ``(N, C, H, W)``, floats.
        data_range: The distance between black and white.

    Returns:
        ``(N,)`` in decibels; infinite for equal images.

    Raises:
        ValueError: The shapes differ or the images are not floats.
    """
    x, y = precise(x, y)
    mse = (x - y).square().flatten(1).mean(dim=1)
    return 10 * (data_range**2 / mse).log10()

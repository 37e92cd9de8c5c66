"""Interpolation error, in the two forms that papers print under this one name."""

from torch import Tensor

from cdfi.metrics.checks import precise


def ie(x: Tensor, y: Tensor, data_range: float = 1.0) -> Tensor:
    """Return the root-mean-square difference of each image in 8-bit levels, as Middlebury defines.

    The difference of a colour pixel is the length of its RGB difference (Baker et al., "A
    database and evaluation methodology for optical flow", IJCV 2011).

    Args:
        x: images ``(N, C, H, W)``, floats.
        y: images of the same shape.
        data_range: difference between white and black.

    Returns:
        ``(N,)`` in levels of 0 to 255.

    Raises:
        ValueError: the shapes differ or the images are not floats.
    """
    x, y = precise(x, y)
    difference = (x - y) * (255 / data_range)
    return difference.square().sum(dim=1).flatten(1).mean(dim=1).sqrt()


def mean_absolute_error(x: Tensor, y: Tensor, data_range: float = 1.0) -> Tensor:
    """Return the mean absolute difference of each image in 8-bit levels.

    Interpolation papers that print an "IE" near 2 for Middlebury OTHER measure this.

    Args:
        x: images ``(N, C, H, W)``, floats.
        y: images of the same shape.
        data_range: difference between white and black.

    Returns:
        ``(N,)`` in levels of 0 to 255.

    Raises:
        ValueError: the shapes differ or the images are not floats.
    """
    x, y = precise(x, y)
    return ((x - y) * (255 / data_range)).abs().flatten(1).mean(dim=1)

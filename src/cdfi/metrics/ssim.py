"""Structural similarity, as scikit-image computes it."""

from torch import Tensor

from cdfi.metrics.checks import precise

WINDOW = 7
K1, K2 = 0.01, 0.03


def ssim(x: Tensor, y: Tensor, data_range: float = 1.0) -> Tensor:
    """Return the mean structural similarity of each image (Wang et al., 2004).

    The defaults of ``skimage.metrics.structural_similarity``: a uniform 7 x 7 window, sample
    covariance, only windows that lie inside the image, channels averaged.

    Args:
        x: images ``(N, C, H, W)``, floats, of at least 7 x 7 pixels.
        y: images of the same shape.
        data_range: difference between white and black.

    Returns:
        ``(N,)``; 1 for equal images.

    Raises:
        ValueError: the shapes differ, the images are not floats or are smaller than the window.
    """
    x, y = precise(x, y)
    if min(x.shape[-2:]) < WINDOW:
        raise ValueError(
            f"structural similarity needs images of at least {WINDOW} x {WINDOW} pixels, "
            f"got {x.shape[-2]} x {x.shape[-1]}"
        )
    mean_x, mean_y = _local_mean(x), _local_mean(y)
    sample = WINDOW**2 / (WINDOW**2 - 1)
    variance_x = sample * (_local_mean(x * x) - mean_x * mean_x)
    variance_y = sample * (_local_mean(y * y) - mean_y * mean_y)
    covariance = sample * (_local_mean(x * y) - mean_x * mean_y)
    c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    numerator = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    denominator = (mean_x.square() + mean_y.square() + c1) * (variance_x + variance_y + c2)
    return (numerator / denominator).flatten(1).mean(dim=1)


def _local_mean(x: Tensor) -> Tensor:
    """Return the mean of every 7 x 7 window that lies inside ``x``."""
    return _sums_of_seven(_sums_of_seven(x, 2), 3) / WINDOW**2


def _sums_of_seven(x: Tensor, axis: int) -> Tensor:
    """Return the sum of every 7 neighbours along ``axis``, as 4 + 2 + 1.

    Four additions of whole tensors are three times as fast as PyTorch's pooling on a CPU.
    """
    size = x.shape[axis]
    two = x.narrow(axis, 0, size - 1) + x.narrow(axis, 1, size - 1)
    four = two.narrow(axis, 0, size - 3) + two.narrow(axis, 2, size - 3)
    seven = size - WINDOW + 1
    return four.narrow(axis, 0, seven) + two.narrow(axis, 4, seven) + x.narrow(axis, 6, seven)

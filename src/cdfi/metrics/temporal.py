"""Temporal consistency: whether predictions change over time as the true frames do."""

from torch import Tensor

from cdfi.metrics.checks import check, precise
from cdfi.metrics.lpips import lpips


def flicker(x: Tensor, y: Tensor, x_before: Tensor, y_before: Tensor) -> Tensor:
    """Return the difference between the changes of predictions and those of the true frames.

    ``| mean |x - x_before| - mean |y - y_before| |``, in levels of 0 to 255.

    Args:
        x: predictions ``(N, C, H, W)``, floats in [0, 1].
        y: the true frames, of the same shape.
        x_before: what is shown before ``x``: another prediction, or a source frame.
        y_before: the true frames at the same instants.

    Returns:
        ``(N,)``; 0 if the predictions change as much as the true frames.

    Raises:
        ValueError: the shapes differ or the images are not floats.
    """
    check(x, y)
    return 255 * (_change(x, x_before) - _change(y, y_before)).abs()


def temporal_lpips(x: Tensor, y: Tensor, x_before: Tensor, y_before: Tensor) -> Tensor:
    """Return tLP: the difference of the perceptual changes of predictions and of true frames.

    ``| LPIPS(x, x_before) - LPIPS(y, y_before) |`` of Chu et al., "Learning Temporal Coherence via
    Self-Supervision for GAN-based Video Generation" (ACM TOG 2020), section 5, with the bundled
    SqueezeNet and images rescaled to [-1, 1].

    Args:
        x: as in :func:`flicker`, with three channels.
        y: as in :func:`flicker`.
        x_before: as in :func:`flicker`.
        y_before: as in :func:`flicker`.

    Returns:
        ``(N,)``; 0 if the predictions change as much as the true frames.

    Raises:
        ValueError: the shapes differ, or the images are not floats or too small.
    """
    return (lpips(x, x_before) - lpips(y, y_before)).abs()


def _change(x: Tensor, before: Tensor) -> Tensor:
    """Return the mean absolute difference of each image, (N,)."""
    x, before = precise(x, before)
    return (x - before).abs().flatten(1).mean(1)

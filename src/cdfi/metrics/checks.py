"""The pairs of image batches that every metric compares."""

import torch
from torch import Tensor


def check(x: Tensor, y: Tensor) -> None:
    """Raise ValueError unless both are float images ``(N, C, H, W)`` of one shape."""
    if x.dim() != 4 or x.shape != y.shape:
        raise ValueError(
            "expected two batches of images of one shape (N, C, H, W), "
            f"got {tuple(x.shape)} and {tuple(y.shape)}"
        )
    if not (x.is_floating_point() and y.is_floating_point()):
        raise ValueError(f"expected floating-point images, got {x.dtype} and {y.dtype}")


def precise(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return two checked batches in the widest float type of their device.

    Sums over a million squares need float64 to agree with NumPy to six digits; Apple's MPS has
    none and gets float32.

    Raises:
        ValueError: as :func:`check`.
    """
    check(x, y)
    dtype = torch.float32 if x.device.type == "mps" else torch.float64
    return x.to(dtype), y.to(dtype)

"""Memory layouts that the CPU kernels read."""

from torch import Tensor


def padded(image: Tensor, step: int = 16) -> Tensor:
    """Return (N, C, H, W) as (N, H, W, lanes): 4 lanes, or C rounded up to a multiple of ``step``.

    With whole vectors per pixel no inner loop has a remainder. Extra lanes are zero.
    """
    channels = image.shape[1]
    lanes = 4 if channels <= 4 and step == 16 else -(-channels // step) * step
    last = image.permute(0, 2, 3, 1)
    if lanes == channels:
        return last.contiguous()
    padded = last.new_empty((*last.shape[:3], lanes))
    padded[..., :channels] = last
    padded[..., channels:] = 0
    return padded

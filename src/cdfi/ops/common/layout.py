"""Memory layouts that the CPU kernels read."""

from torch import Tensor


def pad_channels(image: Tensor, multiple: int = 16) -> Tensor:
    """Return (N, C, H, W) as (N, H, W, lanes), with zeros in the lanes that are added.

    Every pixel then is a number of full vectors, so that no inner loop has a remainder.

    Args:
        image: (N, C, H, W), in any memory layout.
        multiple: lanes are a multiple of this; up to 4 channels get 4 lanes if it is 16.
    """
    channels = image.shape[1]
    lanes = 4 if channels <= 4 and multiple == 16 else -(-channels // multiple) * multiple
    last = image.permute(0, 2, 3, 1)
    if lanes == channels:
        return last.contiguous()
    padded = last.new_empty((*last.shape[:3], lanes))
    padded[..., :channels] = last
    padded[..., channels:] = 0
    return padded

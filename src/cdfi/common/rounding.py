"""Rounding of images to integer levels: halves upward, everywhere.

This is the rule of torchvision's ``save_image``, with which most published tables were computed.
"""

import torch
from torch import Tensor


def to_levels(x: Tensor, most: int = 255) -> Tensor:
    """Return values in [0, 1] as whole levels 0 to ``most``, still float; others are clamped."""
    return x.float().clamp(0, 1).mul(most).add(0.5).floor()


def to_bytes(x: Tensor) -> Tensor:
    """Return values in [0, 1] as uint8 levels 0 to 255; others are clamped."""
    return to_levels(x).to(torch.uint8)


def quantize(x: Tensor) -> Tensor:
    """Return values in [0, 1] rounded to 8 bits, as float32 in [0, 1]; others are clamped."""
    return to_levels(x) / 255

"""The cost volume in plain differentiable PyTorch: its definition."""

import torch
import torch.nn.functional as F
from torch import Tensor


def cost_volume_reference(features0: Tensor, features1: Tensor, radius: int) -> Tensor:
    """Compute :func:`cdfi.ops.cost_volume` on any device."""
    height, width = features0.shape[2:]
    features0, features1 = (F.pad(x, [radius] * 4) for x in (features0, features1))
    last, side = 2 * radius, range(2 * radius + 1)

    def shifted(x: Tensor, row: int, column: int) -> Tensor:
        return x[:, :, row : row + height, column : column + width]

    products = [
        (shifted(features0, last - y, last - x) * shifted(features1, y, x)).sum(1)
        for y in side
        for x in side
    ]
    return torch.stack(products, 1)

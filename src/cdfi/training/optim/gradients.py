"""Gradients that are not finite."""

import torch
from torch import Tensor


def zero_non_finite(gradients: list[Tensor]) -> None:
    """Set NaN and infinite values of dense gradients to 0, in place.

    All gradients at once, as one vector: checking for such values first would wait for the device.
    """
    vectors = [g.as_strided((g.numel(),), (1,)) for g in gradients]  # dense, in whichever order
    joined = torch.cat(vectors).nan_to_num_(0.0, 0.0, 0.0)
    torch._foreach_copy_(vectors, torch.split(joined, [vector.numel() for vector in vectors]))

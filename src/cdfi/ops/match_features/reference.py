"""Warped features and their cost volume in plain differentiable PyTorch: the definition."""

import torch
from torch import Tensor

from cdfi.ops.cost_volume.op import cost_volume
from cdfi.ops.warp.reference import warp_reference

MIN_SQUARE = 1e-4  # added to the mean square of a vector, so that flat areas match nothing


def match_features_reference(
    features0: Tensor, features1: Tensor, flow0: Tensor, flow1: Tensor, radius: int
) -> Tensor:
    """Return both warped maps and their cost volume; see :func:`cdfi.ops.match_features`."""
    warped0, warped1 = warp_reference(features0, flow0), warp_reference(features1, flow1)
    volume = cost_volume(normalised(warped0), normalised(warped1), radius)
    return torch.cat((warped0, warped1, volume / features0.shape[1]), 1)


def normalised(x: Tensor) -> Tensor:
    """Return ``x`` (N, C, H, W) divided by the root mean square of its channels."""
    return x * (x.square().mean(1, keepdim=True) + MIN_SQUARE).rsqrt()

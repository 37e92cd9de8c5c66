"""The cubic warp in plain differentiable PyTorch: its definition."""

import torch
import torch.nn.functional as F
from torch import Tensor

from cdfi.ops.warp.reference import sampling_grid

CUBIC = -0.75  # the parameter a of cubic convolution; PyTorch's


def cubic_warp_reference(frame: Tensor, flow: Tensor, sharpness: Tensor) -> Tensor:
    """Sample ``frame`` at p + flow; see :func:`cdfi.ops.cubic_warp`."""
    dtype = torch.promote_types(flow.dtype, torch.float32)
    frame, grid = frame.to(dtype), sampling_grid(flow.to(dtype), *frame.shape[2:])
    linear = F.grid_sample(frame, grid, padding_mode="border", align_corners=False)
    cubic = F.grid_sample(frame, grid, "bicubic", padding_mode="border", align_corners=False)
    return torch.lerp(linear, cubic, sharpness.to(dtype))

"""The bilinear warp in plain differentiable PyTorch: the definition of :func:`cdfi.ops.warp`."""

import torch
import torch.nn.functional as F
from torch import Tensor

# Positions are clamped to this many pixels beyond the frame, where every sample is the edge's:
# larger ones would overflow integers.
MARGIN = 8.0


def sampling_grid(flow: Tensor, height: int, width: int) -> Tensor:
    """Return ``grid_sample``'s grid (N, h, w, 2) for positions p + flow of an H x W image.

    Args:
        flow: (N, 2, h, w) in pixels, rows then columns; positions that are NaN count as 0.
        height: of the sampled image; ``align_corners=False`` is assumed.
        width: of the sampled image.
    """
    rows = torch.arange(flow.shape[2], device=flow.device, dtype=flow.dtype)
    columns = torch.arange(flow.shape[3], device=flow.device, dtype=flow.dtype)
    y = (flow[:, 0] + rows[:, None]).nan_to_num(0.0).clamp(-MARGIN, height + MARGIN)
    x = (flow[:, 1] + columns).nan_to_num(0.0).clamp(-MARGIN, width + MARGIN)
    return torch.stack(((2 * x + 1) / width - 1, (2 * y + 1) / height - 1), -1)


def warp_reference(image: Tensor, flow: Tensor) -> Tensor:
    """Sample ``image`` at p + flow with bilinear weights; see :func:`cdfi.ops.warp`."""
    dtype = torch.promote_types(flow.dtype, torch.float32)
    grid = sampling_grid(flow.to(dtype), *image.shape[2:])
    return F.grid_sample(image.to(dtype), grid, padding_mode="border", align_corners=False)

"""Check that the flow of a batch is its motion."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from cdfi.data.batch import Batch, SampleRequest


def requests(count: int, first: int = 0) -> list[SampleRequest]:
    return [SampleRequest(i, np.random.default_rng((7, i))) for i in range(first, first + count)]


def warped(frame: Tensor, flow: Tensor) -> Tensor:
    """A frame sampled where the flow (rows, columns) points."""
    side = frame.shape[-1]
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    grid = torch.stack((x + flow[:, 1] + 0.5, y + flow[:, 0] + 0.5), -1) / side * 2 - 1
    return F.grid_sample(frame, grid, align_corners=False, padding_mode="border")


def assert_flow_explains(batch: Batch) -> None:
    """Check that points have the same colour along the flow wherever they are visible."""
    for frame, flow, visible in (
        (batch.frame0, batch.flow0, batch.visible0),
        (batch.frame1, batch.flow1, batch.visible1),
    ):
        fraction = visible.mean()
        assert fraction > 0.5
        still = ((frame - batch.middle).abs() * visible).mean() / fraction
        followed = ((warped(frame, flow) - batch.middle).abs() * visible).mean() / fraction
        assert followed < 0.4 * still

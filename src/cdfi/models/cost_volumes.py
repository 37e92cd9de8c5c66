"""Matching: bilateral cost volumes of two frames, one per level."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cdfi.ops import cost_volume


class Matching(nn.Module):
    """Compares descriptors of both frames along straight motions through the middle frame.

    A point that moves uniformly through position p of the middle frame is at p - d in one frame and
    at p + d in the other: the bilateral cost volume of Park et al., "BMBC", ECCV 2020. The U-Net,
    whose input is both frames as one image, would have to learn such comparisons.

    Args:
        widths: channels of the descriptors at strides 2, 4, ...
        radii: search radius of each level, in its cells, on both axes.
    """

    def __init__(self, widths: Sequence[int], radii: Sequence[int]) -> None:
        super().__init__()
        self.radii = tuple(radii)
        before = (3, *widths)
        self.describe = nn.ModuleList(_describe(a, b) for a, b in zip(before, widths))

    def forward(self, frame0: Tensor, frame1: Tensor) -> list[Tensor]:
        """Return the cost volumes, fine to coarse.

        Args:
            frame0: (N, 3, H, W) minus the mean colour; H and W are multiples of the last stride.
            frame1: the same.

        Returns:
            (N, (2r+1)^2, H/2, W/2) and so on: cosines in [-1, 1].
        """
        x = torch.cat([frame0, frame1])  # one batch, so that the same layers describe both
        volumes = []
        for describe, radius in zip(self.describe, self.radii):
            x = describe(x)
            first, second = F.normalize(x.float(), dim=1).chunk(2)
            volumes.append(cost_volume(first, second, radius))
            x = torch.relu(x)
        return volumes


def _describe(channels_in: int, channels_out: int) -> nn.Sequential:
    """Return a convolution of stride 2 and one more; no ReLU at the end, so that signs count."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, stride=2, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(channels_out, channels_out, 3, padding=1),
    )

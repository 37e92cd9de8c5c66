"""How alike two frames are along straight motions through the middle: a cost volume a level."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cdfi.ops import cost_volume


class Matching(nn.Module):
    """Descriptors of each frame by itself, compared where a straight motion would lead.

    A point that moves evenly through place p of the middle frame is at p - d in the one frame and
    at p + d in the other: the bilateral cost volume of Park et al., "BMBC", ECCV 2020. The U-Net,
    which sees both frames as one image, has to learn such comparisons; here they are built in, over
    distances it learns last.

    Args:
        widths: channels of the descriptors at strides 2, 4, ...
        radii: how far each level is searched: up to so many of its cells, each way, on both axes.
    """

    def __init__(self, widths: Sequence[int], radii: Sequence[int]) -> None:
        super().__init__()
        self.radii = tuple(radii)
        before = (3, *widths)
        self.describe = nn.ModuleList(_describe(a, b) for a, b in zip(before, widths))

    def forward(self, frame0: Tensor, frame1: Tensor) -> list[Tensor]:
        """(N, (2r+1)^2, H/2, W/2) and so on: cosines in [-1, 1], fine to coarse.

        Args:
            frame0, frame1: (N, 3, H, W) less their mean, H and W multiples of the last stride.
        """
        x = torch.cat([frame0, frame1])  # one batch: both are described alike
        volumes = []
        for describe, radius in zip(self.describe, self.radii):
            x = describe(x)
            first, second = F.normalize(x.float(), dim=1).chunk(2)
            volumes.append(cost_volume(first, second, radius))
            x = torch.relu(x)
        return volumes


def _describe(channels_in: int, channels_out: int) -> nn.Sequential:
    """Half the size: a convolution of stride 2 and one more; no ReLU, so that signs compare."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, stride=2, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(channels_out, channels_out, 3, padding=1),
    )

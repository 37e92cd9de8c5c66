"""GridNet: three resolutions by six columns of residual blocks that merge what was warped."""

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

from torch import Tensor, nn

COLUMNS = 6


class Lateral(nn.Module):
    """A residual block at one resolution: two PReLU + 3 x 3 convolutions beside a skip."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.PReLU(),
            nn.Conv2d(channels_in, channels_out, 3, padding=1),
            nn.PReLU(),
            nn.Conv2d(channels_out, channels_out, 3, padding=1),
        )
        same = channels_in == channels_out
        self.skip = nn.Identity() if same else nn.Conv2d(channels_in, channels_out, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:  # (N, in, H, W) -> (N, out, H, W)
        return cast(Tensor, self.body(x) + self.skip(x))


class Down(nn.Module):
    """To the next coarser resolution: a convolution of stride 2 and one more."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.PReLU(),
            nn.Conv2d(channels_in, channels_out, 3, stride=2, padding=1),
            nn.PReLU(),
            nn.Conv2d(channels_out, channels_out, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:  # (N, in, H, W) -> (N, out, H/2, W/2)
        return cast(Tensor, self.body(x))


class Up(nn.Module):
    """To the next finer resolution: bilinear, then two convolutions."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False),
            nn.PReLU(),
            nn.Conv2d(channels_in, channels_out, 3, padding=1),
            nn.PReLU(),
            nn.Conv2d(channels_out, channels_out, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:  # (N, in, H, W) -> (N, out, 2H, 2W)
        return cast(Tensor, self.body(x))


class GridNet(nn.Module):
    """GridNet (Fourure et al., 2017) as CDFI arranges it: half the columns go down, half up.

    Args:
        channels_in: channels of what comes in.
        channels_out: channels of what goes out.
        widths: channels of the three resolutions, fine to coarse.
    """

    #: Rows on each side of an output row that can reach it: down at once, five blocks along the
    #: coarsest resolution, up at the end (65), rounded up to a multiple of 8. A strip with this
    #: much around it is exact.
    halo = 72

    def __init__(self, channels_in: int, channels_out: int, widths: Sequence[int]) -> None:
        super().__init__()
        half = range(COLUMNS // 2)
        steps = list(pairwise(widths))
        self.first = Lateral(channels_in, widths[0])
        self.lateral = nn.ModuleList(
            nn.ModuleList(Lateral(w, w) for _ in range(COLUMNS - 1)) for w in widths
        )
        self.down = nn.ModuleList(
            nn.ModuleList(Down(fine, coarse) for _ in half) for fine, coarse in steps
        )
        self.up = nn.ModuleList(
            nn.ModuleList(Up(coarse, fine) for _ in half) for fine, coarse in steps
        )
        self.last = Lateral(widths[0], channels_out)

    def forward(self, x: Tensor) -> Tensor:  # (N, in, H, W) -> (N, out, H, W); H, W in 4s
        state: list[Tensor | None] = [self.first(x)] + [None] * len(self.down)
        for column in range(COLUMNS):
            state = self._column(state, column)
        return cast(Tensor, self.last(state[0]))

    def _column(self, state: list[Tensor | None], column: int) -> list[Tensor | None]:
        """The states of one column, fine to coarse, from those of the column before it."""
        new: list[Tensor | None] = [self._across(row, column, x) for row, x in enumerate(state)]
        if column < len(self.down[0]):
            for row, blocks in enumerate(self.down):
                new[row + 1] = _sum(blocks[column](new[row]), new[row + 1])
        else:
            for row in reversed(range(len(self.up))):
                new[row] = _sum(self.up[row][column - COLUMNS // 2](new[row + 1]), new[row])
        return new

    def _across(self, row: int, column: int, x: Tensor | None) -> Tensor | None:
        return x if column == 0 or x is None else cast(Tensor, self.lateral[row][column - 1](x))


def _sum(x: Tensor, y: Tensor | None) -> Tensor:
    return x if y is None else x + y

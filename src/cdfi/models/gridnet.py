"""GridNet: three resolutions by six columns of residual blocks that merge what was warped."""

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cdfi.ops.resize.op import upsample2x

COLUMNS = 6


class PReLU(nn.PReLU):
    """PReLU with one slope for all channels.

    On a CPU, PyTorch's kernel for a slope in a tensor is five times slower than the one for a slope
    that is a number, so a number is used if no gradient is needed.

    Args:
        inplace: the input may be overwritten.
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self._inplace = inplace
        self._number: float | None = None

    def freeze(self) -> None:
        """Use the slope as a number from now on, so that a GPU need not be synchronised for it."""
        self._number = float(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Return the activation of ``x``."""
        return self.forward_(x) if self._inplace else self._apply_to(x, inplace=False)

    def forward_(self, x: Tensor) -> Tensor:
        """Return the same, in the memory of ``x`` if that saves time."""
        return self._apply_to(x, inplace=True)

    def _apply_to(self, x: Tensor, inplace: bool) -> Tensor:
        if self._number is not None:
            return F.leaky_relu(x, self._number, inplace)
        if torch.is_grad_enabled() or torch.compiler.is_compiling() or x.device.type != "cpu":
            return F.prelu(x, self.weight)
        return F.leaky_relu(x, float(self.weight), inplace)


class Lateral(nn.Module):
    """A residual block at one resolution: two PReLU + 3 x 3 convolutions, and a skip."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            PReLU(),
            nn.Conv2d(channels_in, channels_out, 3, padding=1),
            PReLU(inplace=True),
            nn.Conv2d(channels_out, channels_out, 3, padding=1),
        )
        same = channels_in == channels_out
        self.skip = nn.Identity() if same else nn.Conv2d(channels_in, channels_out, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, H, W) -> (N, out, H, W)."""
        return cast(Tensor, self.body(x).add_(self.skip(x)))  # a convolution's output is not reused


class Down(nn.Module):
    """To the next coarser resolution: a convolution of stride 2 and one more."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            PReLU(),
            nn.Conv2d(channels_in, channels_out, 3, stride=2, padding=1),
            PReLU(inplace=True),
            nn.Conv2d(channels_out, channels_out, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, H, W) -> (N, out, H/2, W/2)."""
        return cast(Tensor, self.body(x))


class Upsample2x(nn.Module):
    """Bilinear x2, corners not aligned."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, 2H, 2W)."""
        return upsample2x(x, align_corners=False)


class Up(nn.Module):
    """To the next finer resolution: bilinear, then two convolutions."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            Upsample2x(),
            PReLU(inplace=True),
            nn.Conv2d(channels_in, channels_out, 3, padding=1),
            PReLU(inplace=True),
            nn.Conv2d(channels_out, channels_out, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, H, W) -> (N, out, 2H, 2W)."""
        return cast(Tensor, self.body(x))


class GridNet(nn.Module):
    """GridNet (Fourure et al., 2017) as in CDFI: half of the columns go down, half up.

    Args:
        channels_in: channels of the input.
        channels_out: channels of the output.
        widths: channels of the three resolutions, fine to coarse.
    """

    #: Rows on each side of an output row that influence it: down in the first column, five blocks
    #: along the coarsest resolution, up in the last (65), rounded up to a multiple of 8. A strip
    #: with such a halo is exact.
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

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, H, W) -> (N, out, H, W); H and W are multiples of 4."""
        return self.columns(self.first(x))

    def columns(self, x: Tensor) -> Tensor:
        """Return the output from that of the first block, (N, widths[0], H, W)."""
        state = [x]
        for column in range(COLUMNS):
            move = self._downwards if column < COLUMNS // 2 else self._upwards
            state = move(state, column)
        return cast(Tensor, self.last(state[0]))

    @torch.no_grad()
    def init_as_average(self) -> None:
        """Set the parameters so that the output is the average of two frames.

        The frames are the first six input channels; three channels of the finest row carry their
        average. All that is added to these starts at 0, so that training learns what to change
        instead of how to copy. The widths must be at least 3.
        """
        blocks = [self.first, *self.lateral[0], *self.up[0], self.last]  # type: ignore[misc]
        for block in blocks:
            _zero_first_channels(block.body[-1])
        for skip in (self.first.skip, self.last.skip):
            _zero_first_channels(cast(nn.Conv2d, skip))
        for colour in range(3):
            cast(Tensor, self.first.skip.weight)[colour, [colour, colour + 3], 1, 1] = 0.5
            cast(Tensor, self.last.skip.weight)[colour, colour, 1, 1] = 1.0

    def _downwards(self, state: list[Tensor], column: int) -> list[Tensor]:
        """Return the states of a column of the first half, from those of the previous one."""
        new = [state[0] if column == 0 else self._across(0, column, state)]
        for row in range(1, len(self.lateral)):
            x = _block(self.down, row - 1, column)(new[-1])
            new.append(x if column == 0 else x.add_(self._across(row, column, state)))
        return new

    def _upwards(self, state: list[Tensor], column: int) -> list[Tensor]:
        """Return the same for a column of the second half, which goes from coarse to fine."""
        new = [self._across(len(self.lateral) - 1, column, state)]
        for row in reversed(range(len(self.lateral) - 1)):
            x = _block(self.up, row, column - COLUMNS // 2)(new[0])
            new.insert(0, x.add_(self._across(row, column, state)))
        return new

    def _across(self, row: int, column: int, state: list[Tensor]) -> Tensor:
        return cast(Tensor, _block(self.lateral, row, column - 1)(state[row]))


def _zero_first_channels(layer: nn.Conv2d) -> None:
    """Make the first three channels that come out 0."""
    layer.weight[:3] = 0
    if layer.bias is not None:
        layer.bias[:3] = 0


def _block(rows: nn.ModuleList, row: int, column: int) -> nn.Module:
    return cast(nn.ModuleList, rows[row])[column]

"""How a stored frame is turned and mirrored when it is shown."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class Orientation(NamedTuple):
    """How a stored frame is shown: transposed first, then mirrored.

    Attributes:
        transposed: rows are shown as columns.
        across: the result is mirrored from left to right.
        down: the result is mirrored from top to bottom.
    """

    transposed: bool = False
    across: bool = False
    down: bool = False

    def shown_size(self, width: int, height: int) -> tuple[int, int]:
        """Return the width and height at which a stored frame is shown."""
        return (height, width) if self.transposed else (width, height)

    def stored(self, shown: Tensor) -> Tensor:
        """Return a map (..., H, W) as it is stored, from one as it is shown."""
        axes = [axis for axis, mirrored in ((-1, self.across), (-2, self.down)) if mirrored]
        upright = shown.flip(axes) if axes else shown
        return upright.transpose(-1, -2).contiguous() if self.transposed else upright


def orientation(matrix: tuple[int, ...] | None) -> Orientation:
    """Return the orientation for a display matrix; turns by other angles count as the nearest.

    Column p and row q of a stored frame are shown at the abscissa ``matrix[0] * p + matrix[3] * q``
    and the ordinate ``matrix[1] * p + matrix[4] * q`` (libav's ``display.h``).

    Args:
        matrix: nine numbers, or None for a frame that is shown as it is stored.
    """
    if matrix is None:
        return Orientation()
    transposed = abs(matrix[3]) > abs(matrix[0])
    across, down = (matrix[3], matrix[1]) if transposed else (matrix[0], matrix[4])
    return Orientation(transposed, across < 0, down < 0)

"""Density: how much of every layer a sparse training run kept."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from torch import nn

from cdfi.compression.tracing.layers import layers


class Density(NamedTuple):
    """One layer: how dense its weights are, and the widths this asks for."""

    name: str
    density: float  # non-zero weights / weights, in [0, 1]
    channels_in: int
    channels_out: int
    wanted_in: int  # floor(sqrt(density) * channels_in)
    wanted_out: int
    parameters: int  # weights and biases
    kept: int  # the non-zero ones


def density(model: nn.Module) -> list[Density]:
    """A row for every convolution, transposed convolution and linear layer of ``model``.

    Density and widths are those of the weight alone, as published (CDFI, section 3.1); layers
    without a weight matrix are left out. A layer of density d keeps about d of its weights where
    both its sides shrink by sqrt(d).

    Raises:
        ValueError: two layers share a weight, or a weight holds NaN or infinity.
    """
    rows = []
    for name, weight, bias, channels_in, channels_out in layers(model):
        kept = int(weight.count_nonzero())
        dense = kept / weight.numel()
        channels = (channels_in, channels_out)
        wanted = (scaled(dense, channels_in), scaled(dense, channels_out))
        whole = weight.numel() + (0 if bias is None else bias.numel())
        alive = kept + (0 if bias is None else int(bias.count_nonzero()))
        rows.append(Density(name, dense, *channels, *wanted, whole, alive))
    return rows


def scaled(dense: float, width: int) -> int:
    """The width a density asks for: ``floor(sqrt(density) * width)``."""
    return math.floor(math.sqrt(dense) * width)


def overall(rows: Sequence[Density]) -> float:
    """Non-zero parameters / parameters over all rows, in [0, 1]."""
    return sum(row.kept for row in rows) / max(1, sum(row.parameters for row in rows))

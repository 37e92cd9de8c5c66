"""Density: the fraction of non-zero weights of every layer."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from torch import nn

from cdfi.compression.tracing.layers import layers


class Density(NamedTuple):
    """The density of one layer, and the widths that follow from it."""

    name: str
    density: float  # non-zero weights / weights, in [0, 1]
    channels_in: int
    channels_out: int
    wanted_in: int  # floor(sqrt(density) * channels_in)
    wanted_out: int
    parameters: int  # weights and biases
    kept: int  # the non-zero ones


def density(model: nn.Module) -> list[Density]:
    """Return a row for every convolution, transposed convolution and linear layer of ``model``.

    Density and widths are those of the weight without the bias, as published (CDFI, section 3.1);
    layers without a weight matrix are left out, and layers that share one have one row. If both
    sides of a layer of density d shrink by sqrt(d), it keeps about the fraction d of its weights.

    Raises:
        ValueError: a weight holds NaN or infinity.
    """
    rows = []
    for name, weight, bias, channels_in, channels_out in layers(model):
        kept = int(weight.count_nonzero())
        dense = kept / weight.numel()
        channels = (channels_in, channels_out)
        wanted = (scaled(dense, channels_in), scaled(dense, channels_out))
        total = weight.numel() + (0 if bias is None else bias.numel())
        nonzero = kept + (0 if bias is None else int(bias.count_nonzero()))
        rows.append(Density(name, dense, *channels, *wanted, total, nonzero))
    return rows


def scaled(dense: float, width: int) -> int:
    """Return the width that follows from a density: ``floor(sqrt(density) * width)``."""
    return math.floor(math.sqrt(dense) * width)


def overall(rows: Sequence[Density]) -> float:
    """Return the fraction of non-zero parameters over all rows, in [0, 1]."""
    return sum(row.kept for row in rows) / max(1, sum(row.parameters for row in rows))

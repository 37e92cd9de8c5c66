"""Teach the maps where to look while the true motion is known."""

import math

import torch
from torch import Tensor

from cdfi.data.batch import Batch
from cdfi.models import Maps, Parts

_EPSILON = 0.1  # pixels: a smaller error of the expected displacement hardly pulls


def displacement(maps: Maps) -> tuple[Tensor, Tensor]:
    """The weighted offsets ``sum_k w_k * offset_k``, rows and columns, each (N, 1, H, W)."""
    weight = maps.weight.float()
    return (
        (weight * maps.offset_y.float()).sum(1, keepdim=True),
        (weight * maps.offset_x.float()).sum(1, keepdim=True),
    )


def expected_flow(maps: Maps, dilation: int) -> Tensor:
    """Where each pixel looks on average: ``sum_k w_k * (tap_k + offset_k)``.

    Args:
        maps: one side's, K * K taps in row-major order.
        dilation: d, pixels between taps; tap k lies at ``k * d - (K - 1) * d / 2`` of the pixel.

    Returns:
        (N, 2, H, W), rows then columns, in pixels.
    """
    size = math.isqrt(maps.weight.shape[1])
    taps = (torch.arange(size, device=maps.weight.device) - (size - 1) / 2) * dilation
    share = maps.weight.float()
    share = share.reshape(-1, size, size, *share.shape[2:])
    rows = torch.einsum("nklhw,k->nhw", share, taps)[:, None]
    columns = torch.einsum("nklhw,l->nhw", share, taps)[:, None]
    moved_y, moved_x = displacement(maps)
    return torch.cat((rows + moved_y, columns + moved_x), 1)


def flow_loss(parts: Parts, batch: Batch, dilation: int) -> Tensor:
    """How far both sides look from the true place, in pixels, where it is known and seen.

    A mean over all pixels, known or not, so that the loss of a batch is the mean over its samples.
    """
    return _missed(
        expected_flow(parts.maps0, dilation), expected_flow(parts.maps1, dilation), batch
    )


def guess_loss(parts: Parts, batch: Batch) -> Tensor | None:
    """The same of the motion before registration; None for networks without.

    Registration hides from the loss of the result what it makes good itself; where it goes astray,
    a good guess is what it can fall back on.
    """
    if parts.guess is None:
        return None
    return _missed(parts.guess[:, :2], parts.guess[:, 2:], batch)


def _missed(flow0: Tensor, flow1: Tensor, batch: Batch) -> Tensor:
    """The errors of both sides' flows, rows and columns, each (N, 2, H, W)."""
    total = batch.middle.new_zeros(())
    for flow, true, seen in (
        (flow0, batch.flow0, batch.visible0),
        (flow1, batch.flow1, batch.visible1),
    ):
        error = (flow - true).square().sum(1, keepdim=True)
        total = total + (seen * (torch.sqrt(error + _EPSILON**2) - _EPSILON)).mean()
    return total


def warp_loss(parts: Parts, batch: Batch) -> Tensor:
    """L1 of each side's warp alone against the middle frame, where that side sees the point."""
    before = (parts.warp0.float() - batch.middle).abs() * batch.visible0
    after = (parts.warp1.float() - batch.middle).abs() * batch.visible1
    return before.mean() + after.mean()


def anneal(progress: float, until: float) -> float:
    """The share of the guidance left: 1 at first, 0 from ``until`` on, half a cosine between.

    Both are shares of the run, 0 to 1.
    """
    return 0.0 if progress >= until else 0.5 * (1 + math.cos(math.pi * progress / until))

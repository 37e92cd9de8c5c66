"""Losses on the optical flow that the AdaCoF maps imply."""

import math

import torch
from torch import Tensor

from cdfi.data.batch import Batch
from cdfi.models import Maps, Prediction
from cdfi.models.flow_network import FlowPrediction

_EPSILON = 0.1  # pixels: smaller errors of the flow have a small gradient


def displacement(maps: Maps) -> tuple[Tensor, Tensor]:
    """Return the weighted offsets ``sum_k w_k * offset_k``, rows and columns, (N, 1, H, W) each."""
    weight = maps.weight.float()
    return (
        (weight * maps.offset_y.float()).sum(1, keepdim=True),
        (weight * maps.offset_x.float()).sum(1, keepdim=True),
    )


def expected_flow(maps: Maps, dilation: int) -> Tensor:
    """Return the mean sampling position of each pixel: ``sum_k w_k * (tap_k + offset_k)``.

    Args:
        maps: of one side, K * K taps in row-major order.
        dilation: d, pixels between taps; tap k is at ``k * d - (K - 1) * d / 2`` from the pixel.

    Returns:
        (N, 2, H, W), rows then columns, in pixels.
    """
    size = math.isqrt(maps.weight.shape[1])
    taps = (torch.arange(size, device=maps.weight.device) - (size - 1) / 2) * dilation
    weight = maps.weight.float()
    weight = weight.reshape(-1, size, size, *weight.shape[2:])
    rows = torch.einsum("nklhw,k->nhw", weight, taps)[:, None]
    columns = torch.einsum("nklhw,l->nhw", weight, taps)[:, None]
    moved_y, moved_x = displacement(maps)
    return torch.cat((rows + moved_y, columns + moved_x), 1)


def flow_loss(prediction: Prediction, batch: Batch, dilation: int) -> Tensor:
    """Return the error of both sides' flow in pixels, where the true flow is known and visible.

    It is a mean over all pixels, so that the loss of a batch is the mean over its samples.
    """
    return _flow_error(
        expected_flow(prediction.maps0, dilation), expected_flow(prediction.maps1, dilation), batch
    )


def initial_flow_loss(prediction: Prediction, batch: Batch) -> Tensor | None:
    """Return :func:`flow_loss` of the flow before flow refinement; None for networks without it.

    Flow refinement corrects errors of its initial flow, so the loss of the result alone does not
    train the initial flow; where the refinement fails, a good initial flow is needed.
    """
    if prediction.initial_flow is None:
        return None
    return _flow_error(prediction.initial_flow[:, :2], prediction.initial_flow[:, 2:], batch)


def _flow_error(flow0: Tensor, flow1: Tensor, batch: Batch) -> Tensor:
    """Return the mean error of both sides' flow, (N, 2, H, W) each, rows then columns."""
    total = batch.middle.new_zeros(())
    for flow, true, visible in (
        (flow0, batch.flow0, batch.visible0),
        (flow1, batch.flow1, batch.visible1),
    ):
        total = total + (visible * robust_length(flow - true)).mean()
    return total


def robust_length(vectors: Tensor) -> Tensor:
    """Return the lengths (N, 1, H, W) of vectors (N, 2, H, W), with a small gradient near 0."""
    squares = vectors.square().sum(1, keepdim=True)
    return torch.sqrt(squares + _EPSILON**2) - _EPSILON


def warp_loss(prediction: Prediction | FlowPrediction, batch: Batch) -> Tensor:
    """Return the L1 distance of each side's warp to the middle frame, where it is visible."""
    before = (prediction.warp0.float() - batch.middle).abs() * batch.visible0
    after = (prediction.warp1.float() - batch.middle).abs() * batch.visible1
    return before.mean() + after.mean()


def anneal(progress: float, until: float) -> float:
    """Return the fraction of the guidance left: 1 at first, 0 from ``until``, a cosine between.

    Args:
        progress: fraction of the run done, 0 to 1.
        until: fraction of the run after which there is no guidance.
    """
    return 0.0 if progress >= until else 0.5 * (1 + math.cos(math.pi * progress / until))

"""The loss on the motion of a flow network, at every level of its pyramid."""

import torch
import torch.nn.functional as F
from torch import Tensor

from cdfi.data.batch import Batch
from cdfi.models.flow_layers import split_motion
from cdfi.models.flow_network import FlowPrediction
from cdfi.training.losses.flow import robust_length

_DECAY = 0.7  # weight of a level over that of the next finer one
_FINEST = 0.5  # weight of the two finest: the full size and a quarter of it
_KNOWN = 0.3  # of a cell must be visible for its mean flow to count


def motion_loss(prediction: FlowPrediction, batch: Batch) -> Tensor:
    """Return the error of the flows in pixels of the frame, summed over levels with weights.

    It counts where the true flow is known and visible, as a mean over all pixels. Coarser levels
    are compared with the mean of the true flow over each of their cells.
    """
    true = torch.cat(
        (
            batch.flow0 * batch.visible0,
            batch.flow1 * batch.visible1,
            batch.visible0,
            batch.visible1,
        ),
        1,
    )
    total = _FINEST * _flow_error(prediction.flow0, prediction.flow1, true)
    size = batch.middle.shape[2:]
    for i, motion in enumerate(reversed(prediction.motions)):
        cell = 4 * 2**i
        if tuple(cell * length for length in motion.shape[2:]) != tuple(size):
            break  # the level is padded: its cells are not those of the frame
        true = F.avg_pool2d(true, 2 if i else 4)
        weight = _DECAY**i * (1.0 if i else _FINEST)
        flow0, flow1 = split_motion(cell * motion, batch.t)
        total = total + weight * _flow_error(flow0, flow1, true)
    return total


def _flow_error(flow0: Tensor, flow1: Tensor, true: Tensor) -> Tensor:
    """Return the mean error of both flows, (N, 2, h, w) each, in pixels.

    Args:
        flow0: rows then columns, in pixels.
        flow1: the same for the other side.
        true: (N, 6, h, w): both true flows times their visibility, then both visibilities.
    """
    total = flow0.new_zeros(())
    for flow, product, visible in (
        (flow0, true[:, :2], true[:, 4:5]),
        (flow1, true[:, 2:4], true[:, 5:6]),
    ):
        known = visible * (visible > _KNOWN)
        total = total + (known * robust_length(flow - product / visible.clamp(min=_KNOWN))).mean()
    return total

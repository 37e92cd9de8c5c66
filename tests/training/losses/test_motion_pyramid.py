"""The motion loss: zero for the true motion, in pixels at every level, blind where invisible."""

import torch

from cdfi.data.batch import Batch
from cdfi.models.flow_network import FlowPrediction
from cdfi.training.losses.motion_pyramid import motion_loss

SIDE = 32
T = 0.25
VELOCITY = torch.tensor([8.0, -4.0])


def _batch(visible: float = 1.0) -> Batch:
    frames = torch.rand(3, 1, 3, SIDE, SIDE)
    planes = VELOCITY.view(1, 2, 1, 1).expand(1, 2, SIDE, SIDE)
    seen = torch.full((1, 1, SIDE, SIDE), visible)
    t = torch.full((1, 1, 1, 1), T)
    return Batch(*frames, -T * planes, (1 - T) * planes, seen, seen, t)


def _prediction(batch: Batch, error: float = 0.0) -> FlowPrediction:
    motions = []
    for cell in (16, 8, 4):
        velocity = (VELOCITY + error) / cell
        motion = torch.cat((velocity, torch.zeros(2))).view(1, 4, 1, 1)
        motions.append(motion.expand(1, 4, SIDE // cell, SIDE // cell))
    planes = (VELOCITY + error).view(1, 2, 1, 1).expand(1, 2, SIDE, SIDE)
    frame = batch.middle
    return FlowPrediction(frame, motions, -T * planes, (1 - T) * planes, frame, frame)


def test_true_motion_has_no_loss() -> None:
    batch = _batch()
    assert float(motion_loss(_prediction(batch), batch)) < 1e-6


def test_loss_is_in_pixels_of_the_frame_at_every_level() -> None:
    batch = _batch()
    prediction = _prediction(batch, error=10.0)
    weights = 0.5 + 0.5 + 0.7 + 0.49
    error = 10 * 2**0.5
    expected = weights * ((T * error) + ((1 - T) * error) - 0.2)
    assert abs(float(motion_loss(prediction, batch)) - expected) < 0.05 * expected


def test_invisible_points_have_no_loss() -> None:
    batch = _batch(visible=0.0)
    assert float(motion_loss(_prediction(batch, error=5.0), batch)) == 0


def test_padded_levels_are_left_out() -> None:
    batch = _batch()
    prediction = _prediction(batch)
    cut = Batch(*(x[..., :28, :28] if x.shape[-1] > 1 else x for x in batch))
    flow0, flow1 = (x[..., :28, :28] for x in (prediction.flow0, prediction.flow1))
    frame = cut.middle
    wrong = [9 + motion for motion in prediction.motions]  # of a frame padded to 32 x 32
    assert float(motion_loss(FlowPrediction(frame, wrong, flow0, flow1, frame, frame), cut)) < 1e-6

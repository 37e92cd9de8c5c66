"""The expected displacement of the maps, and its pull toward the true motion."""

import pytest
import torch

from cdfi.data.batch import Batch
from cdfi.models import Maps, Prediction
from cdfi.training.losses.flow import anneal, expected_flow, flow_loss, initial_flow_loss, warp_loss

SIDE = 8


def _maps(tap: int, kernel: int, offset_y: float, offset_x: float) -> Maps:
    weight = torch.zeros(1, kernel * kernel, SIDE, SIDE)
    weight[:, tap] = 1
    return Maps(weight, torch.full_like(weight, offset_y), torch.full_like(weight, offset_x))


def _batch(flow0: tuple[float, float], flow1: tuple[float, float], seen: float = 1.0) -> Batch:
    frames = [torch.rand(1, 3, SIDE, SIDE) for _ in range(3)]
    flows = [torch.tensor(f).view(1, 2, 1, 1).expand(1, 2, SIDE, SIDE) for f in (flow0, flow1)]
    visible = torch.full((1, 1, SIDE, SIDE), seen)
    return Batch(*frames, *flows, visible, visible, torch.full((len(visible), 1, 1, 1), 0.5))


def _parts(maps0: Maps, maps1: Maps) -> Prediction:
    frame = torch.rand(1, 3, SIDE, SIDE)
    return Prediction(frame, frame, frame, maps0, maps1, frame[:, :1], None)


@pytest.mark.parametrize(
    ("tap", "kernel", "dilation", "row", "column"),
    [(4, 3, 1, 0, 0), (0, 3, 1, -1, -1), (5, 3, 2, 0, 2), (22, 5, 2, 4, 0), (24, 5, 1, 2, 2)],
)
def test_the_flow_of_one_tap_is_its_position_plus_its_offset(
    tap: int, kernel: int, dilation: int, row: float, column: float
) -> None:
    flow = expected_flow(_maps(tap, kernel, 0.25, -3.5), dilation)
    assert flow.shape == (1, 2, SIDE, SIDE)
    assert torch.allclose(flow[:, 0], torch.tensor(row + 0.25))
    assert torch.allclose(flow[:, 1], torch.tensor(column - 3.5))


def test_taps_are_averaged_by_their_weights() -> None:
    maps = _maps(0, 3, 0.0, 0.0)
    maps.weight[:, 0], maps.weight[:, 8] = 0.25, 0.75
    assert torch.allclose(expected_flow(maps, 1), torch.tensor(0.5))


@pytest.mark.long
def test_adacof_samples_at_the_expected_flow() -> None:
    from cdfi.ops import adacof

    frame = torch.arange(SIDE * SIDE, dtype=torch.float32).view(1, 1, SIDE, SIDE)
    padded = torch.nn.functional.pad(frame, [1] * 4, mode="replicate")
    maps = _maps(5, 3, 1.0, 0.0)  # the right neighbour, one row down
    dy, dx = expected_flow(maps, 1)[0, :, 3, 3].long().tolist()
    assert adacof(padded, *maps)[0, 0, 3, 3] == frame[0, 0, 3 + dy, 3 + dx]


def test_the_initial_flow_has_the_same_loss_as_the_flow() -> None:
    maps = _maps(4, 3, 1, 0)
    prediction, batch = _parts(maps, maps), _batch((2, -1), (-2, 1))
    assert initial_flow_loss(prediction, batch) is None
    for guess in ((2, -1, -2, 1), (5, -1, -2, -3)):
        flow = torch.tensor(guess).float().view(1, 4, 1, 1).expand(1, 4, SIDE, SIDE)
        offsets = (_maps(4, 3, guess[0], guess[1]), _maps(4, 3, guess[2], guess[3]))
        expected = flow_loss(_parts(*offsets), batch, 1)
        assert torch.allclose(
            initial_flow_loss(prediction._replace(initial_flow=flow), batch), expected
        )


def test_the_flow_loss_of_the_true_flow_is_zero() -> None:
    prediction = _parts(_maps(4, 3, 2.0, -1.0), _maps(4, 3, -2.0, 1.0))
    assert float(flow_loss(prediction, _batch((2, -1), (-2, 1)), 1)) == pytest.approx(0, abs=1e-6)


def test_the_error_is_a_distance_in_pixels_summed_over_the_sides() -> None:
    prediction = _parts(_maps(4, 3, 3.0, 4.0), _maps(4, 3, 0.0, 0.0))
    assert float(flow_loss(prediction, _batch((0, 0), (0, 0)), 1)) == pytest.approx(5.0, abs=0.11)


def test_the_flow_loss_ignores_points_that_are_not_visible() -> None:
    prediction, batch = (
        _parts(_maps(4, 3, 9.0, 9.0), _maps(4, 3, 9.0, 9.0)),
        _batch((0, 0), (0, 0), 0.0),
    )
    assert float(flow_loss(prediction, batch, 1)) == 0
    assert float(warp_loss(prediction, batch)) == 0


def test_guidance_decays_to_zero_and_stays_there() -> None:
    shares = [anneal(progress, 0.5) for progress in (0.0, 0.1, 0.25, 0.4, 0.5, 0.9)]
    assert shares[0] == 1.0
    assert shares[2] == pytest.approx(0.5)
    assert shares == sorted(shares, reverse=True)
    assert shares[4:] == [0.0, 0.0]


def test_no_guidance_at_all_is_allowed() -> None:
    assert anneal(0.0, 0.0) == 0.0

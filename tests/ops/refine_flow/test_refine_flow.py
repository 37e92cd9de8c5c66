"""Flow refinement: the motions it finds, and which inputs are refused."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from cdfi.ops import adacof, refine_flow, refine_flow_reference
from cdfi.ops.refine_flow.cpu_refinement import WINDOW
from cdfi.ops.refine_flow.reference import COARSE_MOVES, FINEST_MOVES, window_mean


def scene(size=(64, 96), seed=0):
    """Two frames of soft random blobs that move by (-3, 2) rows and columns each half step."""
    random = torch.Generator().manual_seed(seed)
    blobs = torch.rand(1, 3, size[0] // 8 + 4, size[1] // 8 + 4, generator=random)
    plane = F.interpolate(blobs, scale_factor=8, mode="bicubic", align_corners=True)[..., 8:, 8:]

    def seen(row, column):
        return plane[..., 8 + row : 8 + row + size[0], 8 + column : 8 + column + size[1]]

    return seen(3, -2), seen(0, 0), seen(-3, 2)


def test_motion_is_found_from_zero_flow():
    frame0, middle, frame1 = scene()
    flow = torch.zeros(1, 4, 64, 96)
    for _ in range(2):
        flow, sides = refine_flow(frame0, frame1, flow, 3)
    inner = flow[..., 12:-12, 12:-12]
    expected = torch.tensor([-3.0, 2.0, 3.0, -2.0]).view(1, 4, 1, 1)
    assert (inner - expected).abs().median() < 0.02
    before = (frame0 - middle)[..., 12:-12, 12:-12].abs().mean()
    after = (sides - middle.repeat(1, 2, 1, 1))[..., 12:-12, 12:-12].abs().mean()
    assert after < 0.05 * before


def test_the_sides_are_the_frames_warped_by_the_flow():
    frame0, _, frame1 = scene((32, 64))
    flow, sides = refine_flow(frame0, frame1, torch.randn(1, 4, 32, 64), 2)
    weight = torch.ones(1, 1, 32, 64)
    for frame, side_flow, side in zip((frame0, frame1), flow.chunk(2, 1), sides.chunk(2, 1)):
        expected = adacof(frame, weight, *side_flow.split(1, 1))
        assert torch.allclose(side, expected, atol=1e-5)


def test_pixels_try_the_motions_of_their_neighbours():
    frame0, _, frame1 = scene()
    true = torch.tensor([-3.0, 2.0, 3.0, -2.0]).view(1, 4, 1, 1).expand(1, 4, 64, 96)
    lost = true.clone()
    lost[..., 40:56] += torch.tensor([0.0, 9.0, 0.0, -9.0]).view(1, 4, 1, 1)
    most = sum(2 * (move == 0) for move in COARSE_MOVES)  # that steps at stride 2 can move by
    most += sum(move == 0 for move in FINEST_MOVES)
    assert most < 9
    error = (refine_flow(frame0, frame1, lost, 2)[0] - true)[..., 12:-12, 40:56].abs()
    assert error.median() < 0.02
    assert (error < 0.1).float().mean() > 0.9


def test_a_correct_flow_is_kept():
    frame0, _, frame1 = scene()
    true = torch.tensor([-3.0, 2.0, 3.0, -2.0]).view(1, 4, 1, 1).expand(1, 4, 64, 96)
    inner = (refine_flow(frame0, frame1, true, 1)[0] - true)[..., 8:-8, 8:-8]
    assert inner.abs().max() < 1e-3


def test_flow_in_flat_frames_is_kept():
    flat = torch.full((1, 3, 32, 32), 0.3)
    flow = torch.randn(1, 4, 32, 32)
    assert torch.equal(refine_flow(flat, flat, flow, 3)[0], flow)


def test_both_flows_change_by_opposite_shifts():
    frame0, _, frame1 = scene()
    flow = torch.randn(1, 4, 64, 96)
    change = refine_flow(frame0, frame1, flow, 2)[0] - flow
    assert torch.allclose(change[:, :2], -change[:, 2:], atol=1e-5)
    assert change.abs().max() > 0.1


def test_the_window_is_two_box_filters():
    impulse = torch.zeros(1, 1, 21, 21, dtype=torch.float64)
    impulse[..., 10, 10] = 1
    reach = len(WINDOW) // 2
    found = window_mean(impulse)[0, 0, 10 - reach : 11 + reach, 10 - reach : 11 + reach]
    np.testing.assert_allclose(found, np.outer(WINDOW, WINDOW), atol=1e-12)


def test_the_shift_counts_as_a_constant_in_the_gradient():
    frame0, _, frame1 = scene((32, 32))
    flow = torch.zeros(1, 4, 32, 32, requires_grad=True)
    upstream = torch.randn(1, 4, 32, 32)
    refined, sides = refine_flow(frame0, frame1, flow, 2)
    assert torch.equal(torch.autograd.grad(refined, flow, upstream)[0], upstream)
    assert not sides.requires_grad


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_refined_in_float32(dtype):
    frame0, _, frame1 = (x.to(dtype) for x in scene())
    flow = torch.randn(1, 4, 64, 96).to(dtype)
    found = refine_flow(frame0, frame1, flow, 2)
    expected = refine_flow(frame0.float(), frame1.float(), flow.float(), 2)
    assert {x.dtype for x in found} == {torch.float32}
    assert all(torch.equal(half, full) for half, full in zip(found, expected))


def test_nan_frames_leave_the_flow_unchanged():
    frame0, _, frame1 = scene((32, 32))
    flow = torch.zeros(1, 4, 32, 32)
    assert torch.equal(refine_flow(frame0 * torch.nan, frame1, flow, 2)[0], flow)


def test_a_nan_flow_reads_inside_the_frame():
    frame0, _, frame1 = scene((32, 32))
    flow = torch.zeros(1, 4, 32, 32)
    flow[0, 0, 3, 3] = torch.nan
    sides = refine_flow(frame0, frame1, flow, 1)[1]
    assert sides.isfinite().all()
    torch.testing.assert_close(sides, refine_flow_reference(frame0, frame1, flow, 1)[1])


@pytest.mark.parametrize(
    ("frames", "flow", "levels", "message"),
    [
        (((1, 3, 8, 8), (1, 3, 8, 4)), (1, 4, 8, 8), 1, "one shape"),
        (((3, 8, 8), (3, 8, 8)), (1, 4, 8, 8), 1, "one shape"),
        (((1, 3, 8, 8), (1, 3, 8, 8)), (1, 2, 8, 8), 1, "expected a flow of shape"),
        (((1, 3, 6, 8), (1, 3, 6, 8)), (1, 4, 6, 8), 3, "divisible into 3 levels, got 8 x 6"),
        (((1, 3, 6, 8), (1, 3, 6, 8)), (1, 4, 6, 8), 0, "into 0 levels"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(frames, flow, levels, message):
    with pytest.raises(ValueError, match=message):
        refine_flow(*(torch.zeros(shape) for shape in frames), torch.zeros(flow), levels)


def test_different_devices_are_refused():
    frame = torch.zeros(1, 3, 8, 8)
    with pytest.raises(ValueError, match="one device"):
        refine_flow(frame, frame, torch.zeros(1, 4, 8, 8, device="meta"), 1)

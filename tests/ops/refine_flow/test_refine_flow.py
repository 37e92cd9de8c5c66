"""Registration: what it finds, its kernel against its definition, and how PyTorch sees it."""

import importlib

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from cdfi.ops import adacof, refine_flow, refine_flow_reference

operation = importlib.import_module("cdfi.ops.refine_flow.op")


def scene(size=(64, 96), seed=0):
    """Two frames of soft random blobs that move by (-3, 2) rows and columns each half step."""
    random = torch.Generator().manual_seed(seed)
    blobs = torch.rand(1, 3, size[0] // 8 + 4, size[1] // 8 + 4, generator=random)
    plane = F.interpolate(blobs, scale_factor=8, mode="bicubic", align_corners=True)[..., 8:, 8:]

    def seen(row, column):
        return plane[..., 8 + row : 8 + row + size[0], 8 + column : 8 + column + size[1]]

    return seen(3, -2), seen(0, 0), seen(-3, 2)


def test_motion_is_found_from_nothing():
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


def test_the_sides_are_the_frames_where_the_flow_leads():
    frame0, _, frame1 = scene((32, 64))
    flow, sides = refine_flow(frame0, frame1, torch.randn(1, 4, 32, 64), 2)
    weight = torch.ones(1, 1, 32, 64)
    for frame, way, side in zip((frame0, frame1), flow.chunk(2, 1), sides.chunk(2, 1)):
        expected = adacof(frame, weight, *way.split(1, 1))
        assert torch.allclose(side, expected, atol=1e-5)


def test_places_try_what_their_neighbours_found():
    frame0, _, frame1 = scene()
    true = torch.tensor([-3.0, 2.0, 3.0, -2.0]).view(1, 4, 1, 1).expand(1, 4, 64, 96)
    lost = true.clone()
    lost[..., 40:56] += torch.tensor([0.0, 9.0, 0.0, -9.0]).view(1, 4, 1, 1)
    most = sum(2 * (move == 0) for move in operation.COARSE)  # that steps at stride 2 can move by
    most += sum(move == 0 for move in operation.FINEST)
    assert most < 9
    error = (refine_flow(frame0, frame1, lost, 2)[0] - true)[..., 12:-12, 40:56].abs()
    assert error.median() < 0.02
    assert (error < 0.1).float().mean() > 0.9


def test_a_motion_that_fits_stays():
    frame0, _, frame1 = scene()
    true = torch.tensor([-3.0, 2.0, 3.0, -2.0]).view(1, 4, 1, 1).expand(1, 4, 64, 96)
    inner = (refine_flow(frame0, frame1, true, 1)[0] - true)[..., 8:-8, 8:-8]
    assert inner.abs().max() < 1e-3


def test_where_nothing_can_be_seen_nothing_moves():
    flat = torch.full((1, 3, 32, 32), 0.3)
    flow = torch.randn(1, 4, 32, 32)
    assert torch.equal(refine_flow(flat, flat, flow, 3)[0], flow)


def test_both_ways_move_against_each_other_by_the_same():
    frame0, _, frame1 = scene()
    flow = torch.randn(1, 4, 64, 96)
    change = refine_flow(frame0, frame1, flow, 2)[0] - flow
    assert torch.allclose(change[:, :2], -change[:, 2:], atol=1e-5)
    assert change.abs().max() > 0.1


@pytest.mark.parametrize(
    ("size", "levels"), [((64, 96), 3), ((4, 8), 3), ((1, 1), 1), ((2, 32), 2)]
)
@pytest.mark.parametrize("channels", [1, 3])
def test_the_kernel_is_the_definition(size, levels, channels):
    torch.manual_seed(0)
    rough = torch.rand(2, 2, channels, -(-size[0] // 4), -(-size[1] // 4), dtype=torch.float64)
    frames = [F.interpolate(x, size, mode="bilinear", align_corners=False) for x in rough]
    flow = 2 * torch.randn(2, 4, *size[::-1], dtype=torch.float64).transpose(2, 3)
    expected = refine_flow_reference(*frames, flow, levels)
    found = refine_flow(*frames, flow, levels)
    torch.testing.assert_close(found, expected, atol=1e-8, rtol=0)


def test_the_window_is_two_box_filters():
    kernel = importlib.import_module("cdfi.ops.refine_flow.cpu")
    impulse = torch.zeros(1, 1, 21, 21, dtype=torch.float64)
    impulse[..., 10, 10] = 1
    reach = len(kernel.WINDOW) // 2
    found = operation._window(impulse)[0, 0, 10 - reach : 11 + reach, 10 - reach : 11 + reach]
    np.testing.assert_allclose(found, np.outer(kernel.WINDOW, kernel.WINDOW), atol=1e-12)


def test_its_gradient_is_that_of_a_constant_shift():
    frame0, _, frame1 = scene((32, 32))
    flow = torch.zeros(1, 4, 32, 32, requires_grad=True)
    upstream = torch.randn(1, 4, 32, 32)
    refined, sides = refine_flow(frame0, frame1, flow, 2)
    assert torch.equal(torch.autograd.grad(refined, flow, upstream)[0], upstream)
    assert not sides.requires_grad


@pytest.mark.parametrize("gradients", [False, True])
def test_opcheck_accepts_it(gradients):
    frames = torch.rand(2, 2, 3, 8, 12)
    flow = torch.randn(2, 4, 8, 12, requires_grad=gradients)
    # A gradient that is declared, not derived, cannot be compared with one that is derived.
    tests = ("test_schema", "test_autograd_registration", "test_faketensor")
    torch.library.opcheck(operation._refine_flow, (*frames, flow, 2), test_utils=tests)


def test_every_number_of_threads_gives_the_same_bits():
    frame0, _, frame1 = scene()
    flow = torch.randn(1, 4, 64, 96)
    threads, results = torch.get_num_threads(), []
    try:
        for count in (1, 3):
            torch.set_num_threads(count)
            results.append(refine_flow(frame0, frame1, flow, 3))
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(one, three) for one, three in zip(*results))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_refined_in_float32(dtype):
    frame0, _, frame1 = (x.to(dtype) for x in scene())
    flow = torch.randn(1, 4, 64, 96).to(dtype)
    found = refine_flow(frame0, frame1, flow, 2)
    expected = refine_flow(frame0.float(), frame1.float(), flow.float(), 2)
    assert {x.dtype for x in found} == {torch.float32}
    assert all(torch.equal(half, full) for half, full in zip(found, expected))


def test_frames_that_are_not_numbers_move_nothing():
    frame0, _, frame1 = scene((32, 32))
    flow = torch.zeros(1, 4, 32, 32)
    assert torch.equal(refine_flow(frame0 * torch.nan, frame1, flow, 2)[0], flow)


def test_a_motion_that_is_not_a_number_can_be_read():
    frame0, _, frame1 = scene((32, 32))
    flow = torch.zeros(1, 4, 32, 32)
    flow[0, 0, 3, 3] = torch.nan
    sides = refine_flow(frame0, frame1, flow, 1)[1]
    assert sides.isfinite().all()
    torch.testing.assert_close(sides, refine_flow_reference(frame0, frame1, flow, 1)[1])


@pytest.mark.parametrize(
    ("frames", "flow", "levels", "says"),
    [
        (((1, 3, 8, 8), (1, 3, 8, 4)), (1, 4, 8, 8), 1, "one shape"),
        (((3, 8, 8), (3, 8, 8)), (1, 4, 8, 8), 1, "one shape"),
        (((1, 3, 8, 8), (1, 3, 8, 8)), (1, 2, 8, 8), 1, "expected a flow of shape"),
        (((1, 3, 6, 8), (1, 3, 6, 8)), (1, 4, 6, 8), 3, "frames of 8 x 6 have no 3 levels"),
        (((1, 3, 6, 8), (1, 3, 6, 8)), (1, 4, 6, 8), 0, "no 0 levels"),
    ],
)
def test_what_does_not_fit_is_named(frames, flow, levels, says):
    with pytest.raises(ValueError, match=says):
        refine_flow(*(torch.zeros(shape) for shape in frames), torch.zeros(flow), levels)


def test_frames_and_flow_on_different_devices_are_named():
    frame = torch.zeros(1, 3, 8, 8)
    with pytest.raises(ValueError, match="one device"):
        refine_flow(frame, frame, torch.zeros(1, 4, 8, 8, device="meta"), 1)


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_the_gpu_finds_what_the_cpu_finds(cuda, dtype):
    frame0, _, frame1 = (x.to(dtype) for x in scene())
    flow = torch.randn(1, 4, 64, 96).to(dtype)
    found = refine_flow(frame0.to(cuda), frame1.to(cuda), flow.to(cuda), 3)[0].cpu()
    # Where two windows differ by a rounding error, either may be kept.
    same = (found - refine_flow(frame0, frame1, flow, 3)[0]).abs() < 1e-2
    assert same.float().mean() > 0.99

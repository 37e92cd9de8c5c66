"""The fine bands: what they are, their kernel against their definition, how PyTorch sees them."""

import importlib

import pytest
import torch
import torch.nn.functional as F

from cdfi.ops import adacof, detail_bands, detail_bands_reference, details

operation = importlib.import_module("cdfi.ops.details.op")


def sampled(frame, flow):
    """The bilinear sample that the bands belong to."""
    return adacof(frame, torch.ones_like(flow[:, :1]), *flow.split(1, 1))


def test_with_what_was_lost_a_sample_is_cubic_convolution():
    y, x = torch.arange(24.0)[:, None] / 24, torch.arange(32.0) / 32
    frame = (y * y + x * y - x * x)[None, None]
    flow = torch.rand(1, 2, 24, 32)
    y, x = y + flow[0, 0] / 24, x + flow[0, 1] / 32
    expected = y * y + x * y - x * x  # third order: polynomials of degree two are exact
    found = sampled(frame, flow)
    inner = (slice(2, -3),) * 2
    assert (found[0, 0] - expected)[inner].abs().max() > 1e-4
    found = found + detail_bands(frame, flow)[:, :1]
    assert (found[0, 0] - expected)[inner].abs().max() < 1e-6


def test_nothing_is_lost_at_whole_pixels():
    frame, flow = torch.rand(2, 3, 9, 11), torch.randn(2, 2, 9, 11).mul(4).round()
    lost, fine = detail_bands(frame, flow).chunk(2, 1)
    assert not lost.any()
    assert fine.abs().mean() > 0.05


def test_the_second_band_is_what_the_binomial_filter_takes():
    frame, still = torch.rand(1, 3, 9, 11), torch.zeros(1, 2, 9, 11)
    row = torch.tensor([1.0, 2.0, 1.0]) / 4
    kernel = torch.outer(row, row).expand(3, 1, 3, 3)
    smooth = F.conv2d(F.pad(frame, [1] * 4, mode="replicate"), kernel, groups=3)
    assert torch.allclose(detail_bands(frame, still)[:, 3:], frame - smooth, atol=1e-6)
    flow = torch.rand(1, 2, 9, 11)
    expected = sampled(frame, flow) - sampled(smooth, flow)
    inner = (..., slice(1, -2), slice(1, -2))
    assert torch.allclose(detail_bands(frame, flow)[:, 3:][inner], expected[inner], atol=1e-6)


@pytest.mark.parametrize("size", [(12, 20), (1, 1), (1, 7), (3, 2)])
@pytest.mark.parametrize("channels", [1, 3, 4, 5, 17])
@pytest.mark.parametrize("border", [0, 2])
def test_the_kernel_is_the_definition(size, channels, border):
    torch.manual_seed(0)
    grown = (size[0] + 2 * border, size[1] + 2 * border)
    frame = torch.rand(2, channels, *grown, dtype=torch.float64)
    flow = 4 * torch.randn(2, 2, *size[::-1], dtype=torch.float64).transpose(2, 3)
    torch.testing.assert_close(detail_bands(frame, flow), detail_bands_reference(frame, flow))


def test_places_that_are_not_numbers_or_far_away_can_be_read():
    frame, flow = torch.rand(1, 3, 6, 8), torch.zeros(1, 2, 6, 8)
    flow[0, 0, 0, :4] = torch.tensor([torch.nan, torch.inf, -torch.inf, 1e30])
    flow[0, 1, 1, :4] = torch.tensor([torch.nan, torch.inf, -torch.inf, -1e30])
    found = detail_bands(frame, flow)
    assert found.isfinite().all()
    torch.testing.assert_close(found, detail_bands_reference(frame, flow))


def test_a_strip_is_those_rows_of_the_whole():
    frame, flow = torch.rand(2, 3, 16, 14), 3 * torch.randn(2, 2, 12, 10)
    whole = detail_bands(frame, flow)
    assert torch.equal(detail_bands(frame, flow[:, :, 3:8], 3), whole[:, :, 3:8])
    assert torch.allclose(
        detail_bands_reference(frame, flow[:, :, 3:8], 3), whole[:, :, 3:8], atol=1e-6
    )


def test_a_border_moves_nothing():
    frame, flow = torch.rand(1, 3, 12, 14), torch.rand(1, 2, 12, 14)
    bordered = detail_bands(F.pad(frame, [2] * 4, mode="replicate"), flow)
    assert torch.allclose(
        detail_bands(frame, flow)[..., :-1, :-1], bordered[..., :-1, :-1], atol=1e-6
    )


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_what_is_added_is_the_bands_by_their_gains(channels):
    frame, flow = torch.rand(2, channels, 14, 16), torch.randn(2, 2, 5, 12)
    gains = torch.randn(2, 2, 5, 12)
    lost, fine = detail_bands(frame, flow, 3).chunk(2, 1)
    expected = gains[:, :1] * lost + gains[:, 1:] * fine
    torch.testing.assert_close(details(frame, flow, gains, 3), expected, atol=1e-5, rtol=1e-5)
    gains[:, 0], gains[:, 1] = 1, 0
    torch.testing.assert_close(details(frame, flow, gains, 3), lost, atol=1e-6, rtol=0)


def test_the_gains_have_their_gradient_and_the_rest_none():
    frame = torch.rand(1, 3, 8, 8, dtype=torch.float64, requires_grad=True)
    flow = torch.randn(1, 2, 8, 8, dtype=torch.float64, requires_grad=True)
    gains = torch.randn(1, 2, 8, 8, dtype=torch.float64, requires_grad=True)
    details(frame, flow, gains).square().sum().backward()
    assert frame.grad is None and flow.grad is None
    assert not detail_bands(frame, flow).requires_grad
    assert torch.autograd.gradcheck(
        lambda gains: details(frame.detach(), flow.detach(), gains), (gains,)
    )


@pytest.mark.parametrize("gradients", [False, True])
def test_opcheck_accepts_it(gradients):
    frame = torch.rand(2, 3, 10, 14, requires_grad=gradients)
    flow = torch.randn(2, 2, 5, 12, requires_grad=gradients)
    tests = ("test_schema", "test_autograd_registration", "test_faketensor")
    gains = torch.randn(2, 2, 5, 12, requires_grad=gradients)
    torch.library.opcheck(operation._details, (frame, flow, gains, 2), test_utils=tests)


def test_every_number_of_threads_gives_the_same_bits():
    frame, flow = torch.rand(1, 3, 64, 20), torch.randn(1, 2, 64, 20)
    threads, results = torch.get_num_threads(), []
    try:
        for count in (1, 3):
            torch.set_num_threads(count)
            results.append(detail_bands(frame, flow))
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(*results)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_computed_in_float32(dtype):
    frame, flow = torch.rand(1, 3, 9, 11).to(dtype), torch.randn(1, 2, 9, 11).to(dtype)
    found = detail_bands(frame, flow)
    assert found.dtype == torch.float32
    assert torch.equal(found, detail_bands(frame.float(), flow.float()))


@pytest.mark.parametrize(
    ("frame", "flow", "top", "says"),
    [
        ((3, 8, 8), (1, 2, 8, 8), 0, "expected a frame"),
        ((1, 3, 8, 8), (1, 4, 8, 8), 0, "expected a flow of shape"),
        ((2, 3, 8, 8), (1, 2, 8, 8), 0, "expected a flow of shape"),
        ((1, 3, 8, 9), (1, 2, 8, 8), 0, "wider by its border at both ends"),
        ((1, 3, 8, 6), (1, 2, 8, 8), 0, "wider by its border at both ends"),
        ((1, 3, 8, 8), (1, 2, 6, 8), 3, "rows 3 to 9 are not all of a frame of 8"),
        ((1, 3, 12, 12), (1, 2, 6, 8), 3, "rows 3 to 9 are not all of a frame of 8"),
        ((1, 3, 8, 8), (1, 2, 6, 8), -1, "rows -1 to 5"),
    ],
)
def test_what_does_not_fit_is_named(frame, flow, top, says):
    with pytest.raises(ValueError, match=says):
        detail_bands(torch.zeros(frame), torch.zeros(flow), top)


def test_gains_that_do_not_fit_are_named():
    frame, flow = torch.zeros(1, 3, 8, 8), torch.zeros(1, 2, 8, 8)
    with pytest.raises(ValueError, match="expected gains of shape"):
        details(frame, flow, torch.zeros(1, 4, 8, 8))


def test_frame_and_flow_on_different_devices_are_named():
    with pytest.raises(ValueError, match="one device"):
        detail_bands(torch.zeros(1, 3, 8, 8), torch.zeros(1, 2, 8, 8, device="meta"))


@pytest.mark.gpu
def test_a_gpu_gives_the_same(cuda):
    frame, flow = torch.rand(2, 3, 20, 24), 3 * torch.randn(2, 2, 16, 20)
    found = detail_bands(frame.to(cuda), flow.to(cuda))
    torch.testing.assert_close(found.cpu(), detail_bands(frame, flow), atol=1e-5, rtol=1e-5)
    gains = torch.randn(2, 2, 16, 20)
    found = details(frame.to(cuda), flow.to(cuda), gains.to(cuda))
    torch.testing.assert_close(found.cpu(), details(frame, flow, gains), atol=1e-5, rtol=1e-5)

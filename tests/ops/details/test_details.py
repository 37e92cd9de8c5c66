"""The detail bands: what they contain, and which inputs are refused."""

import pytest
import torch
import torch.nn.functional as F

from cdfi.ops import adacof, detail_bands, detail_bands_reference, details


def sampled(frame, flow):
    """Sample a frame bilinearly, as the bands assume."""
    return adacof(frame, torch.ones_like(flow[:, :1]), *flow.split(1, 1))


def test_a_sample_plus_the_first_band_is_cubic_convolution():
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


def test_the_first_band_is_zero_at_integer_positions():
    frame, flow = torch.rand(2, 3, 9, 11), torch.randn(2, 2, 9, 11).mul(4).round()
    residual, high_pass = detail_bands(frame, flow).chunk(2, 1)
    assert not residual.any()
    assert high_pass.abs().mean() > 0.05


def test_the_second_band_is_the_frame_minus_its_binomial_filter():
    frame, still = torch.rand(1, 3, 9, 11), torch.zeros(1, 2, 9, 11)
    row = torch.tensor([1.0, 2.0, 1.0]) / 4
    kernel = torch.outer(row, row).expand(3, 1, 3, 3)
    smooth = F.conv2d(F.pad(frame, [1] * 4, mode="replicate"), kernel, groups=3)
    assert torch.allclose(detail_bands(frame, still)[:, 3:], frame - smooth, atol=1e-6)
    flow = torch.rand(1, 2, 9, 11)
    expected = sampled(frame, flow) - sampled(smooth, flow)
    inner = (..., slice(1, -2), slice(1, -2))
    assert torch.allclose(detail_bands(frame, flow)[:, 3:][inner], expected[inner], atol=1e-6)


def test_flows_that_are_not_finite_read_inside_the_frame():
    frame, flow = torch.rand(1, 3, 6, 8), torch.zeros(1, 2, 6, 8)
    flow[0, 0, 0, :4] = torch.tensor([torch.nan, torch.inf, -torch.inf, 1e30])
    flow[0, 1, 1, :4] = torch.tensor([torch.nan, torch.inf, -torch.inf, -1e30])
    found = detail_bands(frame, flow)
    assert found.isfinite().all()
    torch.testing.assert_close(found, detail_bands_reference(frame, flow))


def test_rows_equal_the_complete_result():
    frame, flow = torch.rand(2, 3, 16, 14), 3 * torch.randn(2, 2, 12, 10)
    whole = detail_bands(frame, flow)
    assert torch.equal(detail_bands(frame, flow[:, :, 3:8], top=3), whole[:, :, 3:8])
    assert torch.allclose(
        detail_bands_reference(frame, flow[:, :, 3:8], 3), whole[:, :, 3:8], atol=1e-6
    )


def test_a_border_does_not_shift_the_result():
    frame, flow = torch.rand(1, 3, 12, 14), torch.rand(1, 2, 12, 14)
    bordered = detail_bands(F.pad(frame, [2] * 4, mode="replicate"), flow)
    assert torch.allclose(
        detail_bands(frame, flow)[..., :-1, :-1], bordered[..., :-1, :-1], atol=1e-6
    )


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_details_are_the_weighted_sum_of_the_bands(channels):
    frame, flow = torch.rand(2, channels, 14, 16), torch.randn(2, 2, 5, 12)
    band_weights = torch.randn(2, 2, 5, 12)
    residual, high_pass = detail_bands(frame, flow, top=3).chunk(2, 1)
    expected = band_weights[:, :1] * residual + band_weights[:, 1:] * high_pass
    torch.testing.assert_close(
        details(frame, flow, band_weights, top=3), expected, atol=1e-5, rtol=1e-5
    )
    band_weights[:, 0], band_weights[:, 1] = 1, 0
    torch.testing.assert_close(
        details(frame, flow, band_weights, top=3), residual, atol=1e-6, rtol=0
    )


def test_only_the_band_weights_have_a_gradient():
    frame = torch.rand(1, 3, 8, 8, dtype=torch.float64, requires_grad=True)
    flow = torch.randn(1, 2, 8, 8, dtype=torch.float64, requires_grad=True)
    band_weights = torch.randn(1, 2, 8, 8, dtype=torch.float64, requires_grad=True)
    details(frame, flow, band_weights).square().sum().backward()
    assert frame.grad is None and flow.grad is None
    assert not detail_bands(frame, flow).requires_grad
    assert torch.autograd.gradcheck(
        lambda band_weights: details(frame.detach(), flow.detach(), band_weights), (band_weights,)
    )


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_computed_in_float32(dtype):
    frame, flow = torch.rand(1, 3, 9, 11).to(dtype), torch.randn(1, 2, 9, 11).to(dtype)
    found = detail_bands(frame, flow)
    assert found.dtype == torch.float32
    assert torch.equal(found, detail_bands(frame.float(), flow.float()))


@pytest.mark.parametrize(
    ("frame", "flow", "top", "message"),
    [
        ((3, 8, 8), (1, 2, 8, 8), 0, "expected a frame"),
        ((1, 3, 8, 8), (1, 4, 8, 8), 0, "expected a flow of shape"),
        ((2, 3, 8, 8), (1, 2, 8, 8), 0, "expected a flow of shape"),
        ((1, 3, 8, 9), (1, 2, 8, 8), 0, "wider by its border at both ends"),
        ((1, 3, 8, 6), (1, 2, 8, 8), 0, "wider by its border at both ends"),
        ((1, 3, 8, 8), (1, 2, 6, 8), 3, "expected rows of a frame of 8 rows, got 3 to 9"),
        ((1, 3, 12, 12), (1, 2, 6, 8), 3, "expected rows of a frame of 8 rows, got 3 to 9"),
        ((1, 3, 8, 8), (1, 2, 6, 8), -1, "got -1 to 5"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(frame, flow, top, message):
    with pytest.raises(ValueError, match=message):
        detail_bands(torch.zeros(frame), torch.zeros(flow), top=top)


def test_band_weights_that_do_not_fit_are_refused():
    frame, flow = torch.zeros(1, 3, 8, 8), torch.zeros(1, 2, 8, 8)
    with pytest.raises(ValueError, match="expected band weights of shape"):
        details(frame, flow, torch.zeros(1, 4, 8, 8))


def test_different_devices_are_refused():
    with pytest.raises(ValueError, match="one device"):
        detail_bands(torch.zeros(1, 3, 8, 8), torch.zeros(1, 2, 8, 8, device="meta"))

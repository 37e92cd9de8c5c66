"""Peak signal-to-noise ratio and interpolation error against their definitions."""

import math

import numpy as np
import pytest
import torch

from cdfi.metrics import ie, mean_absolute_error, psnr


def pair(shape: tuple[int, ...] = (2, 3, 19, 23)) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(shape, generator=generator, dtype=torch.float64)
    return x, (x + 0.1 * torch.randn(shape, generator=generator, dtype=torch.float64)).clamp(0, 1)


def test_psnr_equals_scikit_image() -> None:
    metrics = pytest.importorskip("skimage.metrics")
    x, y = pair()
    expected = [
        metrics.peak_signal_noise_ratio(a, b, data_range=1) for a, b in zip(x.numpy(), y.numpy())
    ]
    np.testing.assert_allclose(psnr(x, y).numpy(), expected, rtol=0, atol=1e-9)


def test_psnr_of_equal_images_is_infinite() -> None:
    x, _ = pair()
    assert psnr(x, x).tolist() == [math.inf, math.inf]


def test_the_data_range_scales_out() -> None:
    x, y = pair()
    torch.testing.assert_close(psnr(x * 255, y * 255, data_range=255), psnr(x, y))
    torch.testing.assert_close(ie(x * 255, y * 255, data_range=255), ie(x, y))


def test_float32_images_lose_nothing_in_the_sum() -> None:
    x = torch.zeros(1, 3, 512, 512)
    y = torch.full_like(x, 1 / 255)
    assert psnr(x, y).item() == pytest.approx(20 * math.log10(255), abs=1e-5)


def test_interpolation_error_is_the_rms_length_of_rgb_differences() -> None:
    x, y = pair()
    lengths = np.linalg.norm(255 * (x - y).numpy(), axis=1)
    np.testing.assert_allclose(ie(x, y).numpy(), np.sqrt((lengths**2).mean(axis=(1, 2))))


def test_mean_absolute_error_is_in_levels() -> None:
    x = torch.zeros(1, 3, 8, 8)
    assert mean_absolute_error(x, x + 2 / 255).item() == pytest.approx(2, abs=1e-5)


@pytest.mark.parametrize("metric", [psnr, ie, mean_absolute_error])
def test_gradients_are_right(metric: object) -> None:
    x, y = pair((1, 3, 4, 5))
    assert torch.autograd.gradcheck(metric, (x.requires_grad_(), y.requires_grad_()))


def test_images_of_different_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"of one shape .* \(1, 3, 8, 8\) and \(1, 3, 8, 9\)"):
        psnr(torch.zeros(1, 3, 8, 8), torch.zeros(1, 3, 8, 9))


def test_integer_images_are_refused() -> None:
    with pytest.raises(ValueError, match=r"floating-point images, got torch\.uint8"):
        psnr(torch.zeros(1, 3, 8, 8, dtype=torch.uint8), torch.zeros(1, 3, 8, 8))


def test_psnr_of_equal_images_is_infinite_with_a_gradient_of_zero():
    x, y = torch.rand(2, 3, 8, 8, requires_grad=True), torch.rand(2, 3, 8, 8)
    y[0] = x[0].detach()
    found = psnr(x, y)
    assert found[0] == math.inf
    found[1].add(found[0].clamp(max=100)).backward()
    assert x.grad[0].eq(0).all()
    assert x.grad[1].isfinite().all()
    assert x.grad[1].abs().sum() > 0

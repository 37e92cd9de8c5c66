"""Structural similarity against scikit-image."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cdfi.metrics import ssim

SIZES = [(7, 7), (8, 31), (40, 33)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("noise", [0.0, 0.01, 0.3])
def test_ssim_equals_scikit_image(size: tuple[int, int], noise: float) -> None:
    metrics = pytest.importorskip("skimage.metrics")
    generator = np.random.default_rng(0)
    x = generator.random((*size, 3))
    y = np.clip(x + noise * generator.standard_normal(x.shape), 0, 1)
    expected = metrics.structural_similarity(x, y, channel_axis=2, data_range=1)
    got = ssim(*(torch.from_numpy(image).permute(2, 0, 1)[None] for image in (x, y)))
    assert got.item() == pytest.approx(expected, abs=1e-9)


def test_ssim_equals_scikit_image_on_real_frames(data: Path) -> None:
    metrics = pytest.importorskip("skimage.metrics")
    folder = data / "middlebury_others" / "input" / "RubberWhale"
    x, y = (
        np.asarray(Image.open(folder / name)) / 255.0 for name in ("frame10.png", "frame11.png")
    )
    expected = metrics.structural_similarity(x, y, channel_axis=2, data_range=1)
    # Float32 images, as a network hands them over, cost no digit either.
    got = ssim(*(torch.from_numpy(image).float().permute(2, 0, 1)[None] for image in (x, y)))
    assert got.item() == pytest.approx(expected, abs=1e-6)


def test_each_image_of_a_batch_is_scored_alone() -> None:
    generator = torch.Generator().manual_seed(1)
    x, y = torch.rand(2, 3, 3, 16, 17, generator=generator)
    alone = torch.cat([ssim(a[None], b[None]) for a, b in zip(x, y)])
    torch.testing.assert_close(ssim(x, y), alone)


def test_the_gradient_of_ssim_is_right() -> None:
    generator = torch.Generator().manual_seed(2)
    x, y = torch.rand(2, 1, 2, 8, 9, generator=generator, dtype=torch.float64)
    assert torch.autograd.gradcheck(ssim, (x.requires_grad_(), y.requires_grad_()))


def test_images_smaller_than_the_window_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 7 x 7 pixels, got 6 x 20"):
        ssim(torch.zeros(1, 3, 6, 20), torch.zeros(1, 3, 6, 20))

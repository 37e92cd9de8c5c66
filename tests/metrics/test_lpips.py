"""LPIPS against the published package, and the properties a distance must have."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from cdfi.metrics import lpips
from cdfi.metrics.lpips import Lpips

# Made with lpips.LPIPS(net="squeeze", version="0.1") of the package lpips 0.1.4 over the bundled
# SqueezeNet, for the images of `waves` below: rescaled to [-1, 1], and fed in [0, 1].
PACKAGE_0_1_4 = {True: [0.2604942, 0.3068072], False: [0.2175592, 0.2533085]}


def waves() -> tuple[Tensor, Tensor]:
    """Two pairs of smooth images (2, 3, 67, 90) that need no random generator."""
    row, column = torch.meshgrid(torch.arange(67.0), torch.arange(90.0), indexing="ij")
    x = torch.stack([torch.sin(row / (2 + c)) * torch.cos(column / (3 + c)) for c in range(3)])
    y = torch.stack(
        [torch.sin((row + 2) / (2 + c)) * torch.cos(column / (4 + c)) for c in range(3)]
    )
    x, y = torch.stack([x, x.flip(1)]), torch.stack([y, 0.5 * y])
    return (x + 1) / 2, (y + 1) / 2


@pytest.fixture
def photo(data: Path) -> Tensor:
    """A real frame (1, 3, H, W) in [0, 1]."""
    file = data / "middlebury_others" / "input" / "Dimetrodon" / "frame10.png"
    pixels = np.asarray(Image.open(file).crop((0, 0, 256, 256)))
    return torch.from_numpy(pixels / np.float32(255)).permute(2, 0, 1)[None]


@pytest.mark.parametrize("rescale", [True, False])
def test_lpips_equals_values_of_the_published_package(rescale: bool) -> None:
    got = lpips(*waves(), rescale=rescale)
    torch.testing.assert_close(got, torch.tensor(PACKAGE_0_1_4[rescale]), rtol=0, atol=1e-5)


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The package ``lpips``, given our SqueezeNet where torchvision's would be downloaded."""
    if importlib.util.find_spec("lpips") is None:
        pytest.skip("the package lpips is not installed")
    torchvision = ModuleType("torchvision")
    models = SimpleNamespace(
        squeezenet1_1=lambda pretrained: SimpleNamespace(features=Lpips().features)
    )
    torchvision.models = models  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torchvision", torchvision)
    if importlib.util.find_spec("tqdm") is None:  # imported by the package for its training alone
        monkeypatch.setitem(sys.modules, "tqdm", SimpleNamespace(tqdm=None))
    return importlib.import_module("lpips")


@pytest.mark.parametrize("rescale", [True, False])
def test_lpips_equals_the_package_where_it_is_installed(package: ModuleType, rescale: bool) -> None:
    theirs = package.LPIPS(net="squeeze", verbose=False)
    x, y = waves()
    with torch.no_grad():
        expected = theirs(x, y, normalize=rescale).flatten()
    torch.testing.assert_close(lpips(x, y, rescale=rescale), expected, rtol=0, atol=1e-5)


def test_equal_images_have_no_distance(photo: Tensor) -> None:
    assert lpips(photo, photo).item() == 0


def test_lpips_is_symmetric(photo: Tensor) -> None:
    other = photo.roll(3, dims=-1)
    assert lpips(photo, other).item() == pytest.approx(lpips(other, photo).item(), rel=1e-5)


@pytest.mark.parametrize("rescale", [True, False])
def test_growing_blur_grows_the_distance(photo: Tensor, rescale: bool) -> None:
    blurred = [F.avg_pool2d(photo, k, stride=1, padding=k // 2) for k in (1, 3, 5, 9, 17)]
    distances = [lpips(photo, image, rescale=rescale).item() for image in blurred]
    assert distances == sorted(distances)
    assert distances[0] == 0
    assert len(set(distances)) == len(distances)


def test_growing_noise_grows_the_distance(photo: Tensor) -> None:
    noise = torch.randn(photo.shape, generator=torch.Generator().manual_seed(0))
    distances = [lpips(photo, photo + s * noise).item() for s in (0.0, 0.02, 0.05, 0.1, 0.2)]
    assert distances == sorted(distances)


def test_gradients_reach_both_images_and_stay_finite_in_flat_regions() -> None:
    x = torch.zeros(1, 3, 40, 40, requires_grad=True)
    y = torch.rand(1, 3, 40, 40, generator=torch.Generator().manual_seed(0)).requires_grad_()
    lpips(x, y).sum().backward()
    for image in (x, y):
        assert image.grad is not None
        assert image.grad.isfinite().all()
        assert image.grad.abs().sum() > 0


def test_a_value_taken_in_inference_mode_does_not_break_training() -> None:
    x = torch.rand(1, 3, 32, 32, dtype=torch.float64)
    with torch.inference_mode():
        lpips(x, x)
    y = torch.rand(1, 3, 32, 32, dtype=torch.float64, requires_grad=True)
    lpips(x, y).sum().backward()
    assert y.grad is not None


def test_an_image_too_small_for_the_network_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 17 x 17 pixels, got 3 of 16 x 64"):
        lpips(torch.zeros(1, 3, 16, 64), torch.zeros(1, 3, 16, 64))

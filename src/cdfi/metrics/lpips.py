"""Learned perceptual similarity (LPIPS 0.1) with SqueezeNet 1.1."""

from functools import lru_cache
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from cdfi.metrics.checks import check

WEIGHTS = Path(__file__).with_name("lpips_squeeze.safetensors")

# Of images in [-1, 1]; the published constants.
SHIFT = (-0.030, -0.088, -0.188)
SCALE = (0.458, 0.448, 0.450)

# Smaller images leave no pixels after the last pooling.
SMALLEST = 17

# The layers of SqueezeNet's `features` after which LPIPS compares, and their channels.
TAPS = {1: 64, 4: 128, 7: 256, 9: 384, 10: 384, 11: 512, 12: 512}


def lpips(x: Tensor, y: Tensor, data_range: float = 1.0, rescale: bool = True) -> Tensor:
    """Return the perceptual distance of each pair of images, with the bundled weights.

    Args:
        x: images ``(N, 3, H, W)`` in ``[0, data_range]``, floats. The network runs in the type of
            ``x`` (float32 for half precision), on its device.
        y: images of the same shape.
        data_range: difference between white and black.
        rescale: True is the standard protocol, which rescales images to [-1, 1]. False feeds them
            in [0, 1], as the evaluation of the CDFI paper does; the results are not comparable.

    Returns:
        ``(N,)``; 0 for equal images. Gradients reach ``x`` and ``y``.

    Raises:
        ValueError: the shapes differ, are not of three channels, are too small, or are not floats.
    """
    check(x, y)
    if x.shape[1] != 3 or min(x.shape[-2:]) < SMALLEST:
        raise ValueError(
            f"LPIPS needs 3 channels and at least {SMALLEST} x {SMALLEST} pixels, "
            f"got {x.shape[1]} of {x.shape[-2]} x {x.shape[-1]}"
        )
    dtype = x.dtype if x.dtype in (torch.float32, torch.float64) else torch.float32
    x, y = (image.to(dtype) / data_range for image in (x, y))
    if rescale:
        x, y = 2 * x - 1, 2 * y - 1
    distance: Tensor = _network(x.device, dtype)(x, y)
    return distance


@lru_cache
def _network(device: torch.device, dtype: torch.dtype) -> "Lpips":
    # Weights created in inference mode could not be used in a training step later.
    with torch.inference_mode(False):
        return Lpips().to(device, dtype)


class Lpips(nn.Module):
    """The frozen network behind :func:`lpips`.

    Zhang et al., "The unreasonable effectiveness of deep features as a perceptual metric",
    CVPR 2018.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.features = squeezenet()
        self.heads = nn.ModuleList(nn.Conv2d(width, 1, 1, bias=False) for width in TAPS.values())
        self.register_buffer("shift", torch.tensor(SHIFT).view(3, 1, 1), persistent=False)
        self.register_buffer("scale", torch.tensor(SCALE).view(3, 1, 1), persistent=False)
        self.load_state_dict(load_file(WEIGHTS))
        self.requires_grad_(False).eval()

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the distance ``(N,)`` of two batches ``(N, 3, H, W)`` in [-1, 1]."""
        distance = x.new_zeros(len(x))
        # One pass over both batches keeps the convolutions wide.
        taps = self.taps(torch.cat([x, y]))
        for head, tap in zip(self.heads, taps):
            of_x, of_y = _unit(tap).chunk(2)
            distance = distance + head((of_x - of_y).square()).mean(dim=(1, 2, 3))
        return distance

    def taps(self, images: Tensor) -> list[Tensor]:
        """Return the seven feature maps of images ``(N, 3, H, W)`` in [-1, 1]."""
        features, taps = (images - self.shift) / self.scale, []
        for index, layer in enumerate(self.features):
            features = layer(features)
            if index in TAPS:
                taps.append(features)
        return taps


class Fire(nn.Module):
    """SqueezeNet's block: a 1x1 squeeze, then 1x1 and 3x3 expansions side by side."""

    def __init__(self, channels: int, squeeze: int, expand: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) -> (N, 2 * expand, H, W)."""
        x = self.squeeze(x).relu()
        return torch.cat([self.expand1x1(x), self.expand3x3(x)], dim=1).relu()


def squeezenet() -> nn.Sequential:
    """Return the convolutions of SqueezeNet 1.1 (Iandola et al., 2016), with torchvision's keys."""
    return nn.Sequential(
        nn.Conv2d(3, 64, 3, stride=2),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2, ceil_mode=True),
        Fire(64, 16, 64),
        Fire(128, 16, 64),
        nn.MaxPool2d(3, stride=2, ceil_mode=True),
        Fire(128, 32, 128),
        Fire(256, 32, 128),
        nn.MaxPool2d(3, stride=2, ceil_mode=True),
        Fire(256, 48, 192),
        Fire(384, 48, 192),
        Fire(384, 64, 256),
        Fire(512, 64, 256),
    )


def _unit(features: Tensor) -> Tensor:
    """Scale features ``(N, C, H, W)`` to length 1 over the channels.

    The lower bound under the root changes no value and keeps the gradient of zero pixels finite.
    """
    length = features.square().sum(dim=1, keepdim=True).clamp_min(1e-20).sqrt()
    return features / (length + 1e-10)

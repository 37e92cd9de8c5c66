"""Small modules, each with one way of connecting channels that pruning has to follow."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def conv(channels_in: int, channels_out: int, **options: int) -> nn.Conv2d:
    return nn.Conv2d(channels_in, channels_out, 3, padding=1, **options)


class Residual(nn.Module):
    """An addition, a BatchNorm, a slope for each channel, a transposed convolution, a cat."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = conv(3, 8), conv(8, 8)
        self.norm, self.slope = nn.BatchNorm2d(8), nn.PReLU(8)
        self.up, self.last = nn.ConvTranspose2d(8, 6, 2, 2), conv(14, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.slope(self.first(x))
        x = x + self.norm(self.second(x))
        return self.last(torch.cat([self.up(x), F.interpolate(x, scale_factor=2)], 1))


class Shuffle(nn.Module):
    """PixelShuffle, and PixelUnshuffle back."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = conv(3, 16), conv(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(F.pixel_shuffle(self.first(x), 2))
        return self.last(F.pixel_unshuffle(x, 2))


class Flow(nn.Module):
    """Features sampled along a predicted flow."""

    def __init__(self) -> None:
        super().__init__()
        self.features, self.flow, self.last = conv(3, 8), conv(8, 2), conv(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        features = F.relu(self.features(x))
        grid = torch.tanh(self.flow(features)).permute(0, 2, 3, 1)
        return self.last(F.grid_sample(features, grid, align_corners=False))


class Grouped(nn.Module):
    """A depthwise convolution with a multiplier, GroupNorm, groups, transposed groups."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.depthwise = conv(3, 8), conv(8, 16, groups=8)
        self.norm, self.groups = nn.GroupNorm(4, 16), conv(16, 8, groups=2)
        self.up = nn.ConvTranspose2d(8, 8, 2, 2, groups=4)
        self.last = conv(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.groups(self.norm(self.depthwise(self.first(x))))
        return self.last(self.up(F.relu(x)))


class Gated(nn.Module):
    """Halves of one convolution, a gate from pooled channels, a learned scale, LayerNorm."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.gate = conv(3, 16), nn.Linear(8, 8)
        self.scale, self.norm = nn.Parameter(torch.ones(8, 1, 1)), nn.LayerNorm(8)
        self.last = conv(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        one, other = self.first(x).chunk(2, 1)
        x = one * torch.sigmoid(other) * self.scale
        x = x * torch.sigmoid(self.gate(x.mean((2, 3))))[:, :, None, None]
        return self.last(self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2))


class Siamese(nn.Module):
    """One encoder for two frames, their difference, and a head over flattened planes."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.hidden, self.last = conv(3, 8), nn.Linear(8 * 16, 6), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        one, other = (F.relu(self.encoder(frame)) for frame in (x, x.flip(3)))
        pooled = F.adaptive_avg_pool2d(one - other, 4)
        return self.last(F.relu(self.hidden(pooled.flatten(1))))


ZOO = {kind.__name__: kind for kind in (Residual, Shuffle, Flow, Grouped, Gated, Siamese)}


def build(name: str) -> nn.Module:
    """A module of the zoo with fixed random weights, norms included."""
    torch.manual_seed(0)
    model = ZOO[name]()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -1, 1)  # type: ignore[arg-type]
            nn.init.uniform_(module.bias, -1, 1)
    return model.eval()


def example() -> Tensor:
    return torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))

"""A network that removes noise, and the images it is trained on."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class UNet(nn.Module):
    """A U-Net that removes noise, with a concatenated skip and PixelShuffle."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.fine = nn.Conv2d(3, width, 3, padding=1)
        self.coarse = nn.Conv2d(width, 2 * width, 3, padding=1)
        self.deep = nn.Conv2d(2 * width, 4 * width, 3, padding=1)
        self.up, self.last = nn.PixelShuffle(2), nn.Conv2d(2 * width, 3, 3, padding=1)

    def forward(self, noisy: Tensor) -> Tensor:  # (N, 3, H, W) -> (N, 3, H, W)
        fine = F.relu(self.fine(noisy))
        coarse = F.relu(self.deep(F.relu(self.coarse(F.avg_pool2d(fine, 2)))))
        return noisy - self.last(torch.cat([fine, self.up(coarse)], 1))


def noisy(count: int) -> tuple[tuple[Tensor], Tensor]:
    """Return ``count`` smooth images with noise, and without."""
    clean = F.interpolate(torch.rand(count, 3, 9, 9), 32, mode="bicubic")
    return (clean + 0.1 * torch.randn_like(clean),), clean

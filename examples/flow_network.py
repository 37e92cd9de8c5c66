"""A network that interpolates frames along a flow, and the frames it is trained on."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class FlowNetwork(nn.Module):
    """Interpolate frames: residual blocks predict a flow for each side and a mask."""

    def __init__(self, width: int = 48) -> None:
        super().__init__()
        self.first = nn.Conv2d(6, width, 3, stride=2, padding=1)
        self.blocks = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(4))
        self.last = nn.ConvTranspose2d(width, 5, 4, stride=2, padding=1)

    def forward(self, frame0: Tensor, frame1: Tensor) -> Tensor:  # (N, 3, H, W) each
        x = F.relu(self.first(torch.cat([frame0, frame1], 1)))
        for block in self.blocks:
            x = x + F.relu(block(x))
        flow0, flow1, mask = self.last(x).split([2, 2, 1], 1)
        mask = torch.sigmoid(mask)
        return mask * warp(frame0, flow0) + (1 - mask) * warp(frame1, flow1)


def warp(frame: Tensor, flow: Tensor) -> Tensor:  # flow in tenths of half the frame's size
    same = torch.eye(2, 3).expand(len(frame), 2, 3)
    grid = F.affine_grid(same, list(frame.shape), align_corners=False)
    grid = grid + 0.1 * flow.permute(0, 2, 3, 1)
    return F.grid_sample(frame, grid, padding_mode="border", align_corners=False)


def sliding(count: int) -> tuple[tuple[Tensor, Tensor], Tensor]:
    """Return two frames of a sliding image, and the frame between them."""
    scene = F.interpolate(torch.rand(count, 3, 6, 6), 48, mode="bicubic")
    move = 0.15 * (2 * torch.rand(count, 2, 1) - 1)  # up to 2.4 pixels a frame
    views = [torch.cat([0.7 * torch.eye(2).expand(count, 2, 2), t * move], 2) for t in (-1, 0, 1)]
    grids = [F.affine_grid(view, [count, 3, 32, 32], align_corners=False) for view in views]
    at = [F.grid_sample(scene, grid, align_corners=False) for grid in grids]
    return (at[0], at[2]), at[1]

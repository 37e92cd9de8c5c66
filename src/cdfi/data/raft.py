"""RAFT-small, an optical flow network that guides training on real shots.

Teed and Deng, "RAFT: Recurrent All-Pairs Field Transforms for Optical Flow", ECCV 2020. The layers
have the names of the authors' file, so that it can be loaded.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cdfi.common.multiples import round_up

RADIUS, LEVELS = 3, 4  # of the search in the correlations
HIDDEN, CONTEXT, FEATURES = 96, 64, 128  # channels
STRIDE = 8  # of the features
SMALLEST = 128  # pixels: the coarsest level of the correlations has two rows and columns at least


class RaftSmall(nn.Module):
    """Two frames in, the optical flow from the first to the second out."""

    def __init__(self) -> None:
        super().__init__()
        self.fnet = _Encoder(FEATURES, nn.InstanceNorm2d)
        self.cnet = _Encoder(HIDDEN + CONTEXT, nn.Identity)
        self.update_block = _Update()

    def forward(self, frame0: Tensor, frame1: Tensor, steps: int = 12) -> Tensor:
        """Return the flow, (N, 2, H, W) rows then columns, in pixels.

        Args:
            frame0: (N, 3, H, W), RGB in [0, 1].
            frame1: the same.
            steps: refinements of the flow.
        """
        height, width = frame0.shape[-2:]
        top, left = (_margin(size) // 2 for size in (height, width))
        frame0, frame1 = (_pad(2 * frame - 1) for frame in (frame0, frame1))
        pyramid = _correlations(*self.fnet(torch.cat((frame0, frame1))).chunk(2))
        hidden, context = self.cnet(frame0).split((HIDDEN, CONTEXT), 1)
        hidden, context = torch.tanh(hidden), torch.relu(context)
        start = _positions(hidden)
        flow = start.new_zeros(len(hidden), *start.shape[1:])
        for _ in range(steps):
            found = _look_up(pyramid, start + flow)
            hidden, change = self.update_block(hidden, context, found, flow)
            flow = flow + change
        full = F.interpolate(flow, scale_factor=STRIDE, mode="bilinear", align_corners=True)
        return STRIDE * full[..., top : top + height, left : left + width].flip(1)


class _Encoder(nn.Module):
    """Features at an eighth of the frame's size."""

    def __init__(self, out: int, norm: type[nn.Module]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 7, 2, 3)
        self.norm1 = norm(32)
        self.layer1 = nn.Sequential(_Bottleneck(32, 32, 1, norm), _Bottleneck(32, 32, 1, norm))
        self.layer2 = nn.Sequential(_Bottleneck(32, 64, 2, norm), _Bottleneck(64, 64, 1, norm))
        self.layer3 = nn.Sequential(_Bottleneck(64, 96, 2, norm), _Bottleneck(96, 96, 1, norm))
        self.conv2 = nn.Conv2d(96, out, 1)

    def forward(self, frame: Tensor) -> Tensor:
        x = torch.relu(self.norm1(self.conv1(frame)))
        features: Tensor = self.conv2(self.layer3(self.layer2(self.layer1(x))))
        return features


class _Bottleneck(nn.Module):
    """Three convolutions, the middle one with a quarter of the channels, added to the input."""

    def __init__(self, read: int, out: int, stride: int, norm: type[nn.Module]) -> None:
        super().__init__()
        narrow = out // 4
        self.conv1, self.norm1 = nn.Conv2d(read, narrow, 1), norm(narrow)
        self.conv2, self.norm2 = nn.Conv2d(narrow, narrow, 3, stride, 1), norm(narrow)
        self.conv3, self.norm3 = nn.Conv2d(narrow, out, 1), norm(out)
        self.downsample = (
            nn.Sequential(nn.Conv2d(read, out, 1, stride), norm(out)) if stride > 1 else None
        )

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.norm1(self.conv1(x)))
        y = torch.relu(self.norm2(self.conv2(y)))
        y = torch.relu(self.norm3(self.conv3(y)))
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


class _Update(nn.Module):
    """One step: features of the motion, a convolutional GRU, and the change of the flow."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = _MotionEncoder()
        self.gru = _Gru(HIDDEN, CONTEXT + self.encoder.out)
        self.flow_head = nn.Module()
        self.flow_head.conv1 = nn.Conv2d(HIDDEN, 128, 3, padding=1)
        self.flow_head.conv2 = nn.Conv2d(128, 2, 3, padding=1)

    def forward(
        self, hidden: Tensor, context: Tensor, found: Tensor, flow: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the next hidden state and the change of the flow."""
        hidden = self.gru(hidden, torch.cat((context, self.encoder(flow, found)), 1))
        head = self.flow_head
        return hidden, head.conv2(torch.relu(head.conv1(hidden)))  # type: ignore[operator]


class _MotionEncoder(nn.Module):
    """Features of the flow and of the correlations about it."""

    out = 82

    def __init__(self) -> None:
        super().__init__()
        self.convc1 = nn.Conv2d(LEVELS * (2 * RADIUS + 1) ** 2, 96, 1)
        self.convf1 = nn.Conv2d(2, 64, 7, padding=3)
        self.convf2 = nn.Conv2d(64, 32, 3, padding=1)
        self.conv = nn.Conv2d(128, self.out - 2, 3, padding=1)

    def forward(self, flow: Tensor, found: Tensor) -> Tensor:
        of_flow = torch.relu(self.convf2(torch.relu(self.convf1(flow))))
        both = torch.cat((torch.relu(self.convc1(found)), of_flow), 1)
        return torch.cat((torch.relu(self.conv(both)), flow), 1)


class _Gru(nn.Module):
    def __init__(self, hidden: int, read: int) -> None:
        super().__init__()
        self.convz = nn.Conv2d(hidden + read, hidden, 3, padding=1)
        self.convr = nn.Conv2d(hidden + read, hidden, 3, padding=1)
        self.convq = nn.Conv2d(hidden + read, hidden, 3, padding=1)

    def forward(self, hidden: Tensor, x: Tensor) -> Tensor:
        both = torch.cat((hidden, x), 1)
        update, reset = torch.sigmoid(self.convz(both)), torch.sigmoid(self.convr(both))
        candidate = torch.tanh(self.convq(torch.cat((reset * hidden, x), 1)))
        return torch.lerp(hidden, candidate, update)


def _correlations(features0: Tensor, features1: Tensor) -> list[Tensor]:
    """Return all products of features, (N * h * w, 1, h', w'), at full size, a half and so on."""
    count, channels, height, width = features0.shape
    products = torch.einsum("nchw,ncyx->nhwyx", features0, features1) / channels**0.5
    pyramid = [products.reshape(count * height * width, 1, height, width)]
    for _ in range(LEVELS - 1):
        pyramid.append(F.avg_pool2d(pyramid[-1], 2))
    return pyramid


def _look_up(pyramid: list[Tensor], positions: Tensor) -> Tensor:
    """Return the correlations about ``positions``, (N, LEVELS * (2 * RADIUS + 1)^2, h, w).

    Args:
        pyramid: of :func:`_correlations`.
        positions: (N, 2, h, w): columns then rows, in cells.
    """
    count, _, height, width = positions.shape
    steps = torch.arange(-RADIUS, RADIUS + 1.0, device=positions.device)
    window = torch.stack(torch.meshgrid(steps, steps, indexing="ij"), -1)  # as in the authors' file
    centres = positions.permute(0, 2, 3, 1).reshape(-1, 1, 1, 2)
    found = []
    for level, products in enumerate(pyramid):
        rows, columns = products.shape[-2:]
        last = positions.new_tensor((columns - 1, rows - 1))
        grid = 2 * (centres / 2**level + window) / last - 1
        sampled = F.grid_sample(products, grid, align_corners=True)
        found.append(sampled.view(count, height, width, -1))
    return torch.cat(found, -1).permute(0, 3, 1, 2)


def _positions(x: Tensor) -> Tensor:
    """Return the column and the row of every cell, (1, 2, h, w)."""
    rows, columns = (torch.arange(n, device=x.device, dtype=torch.float32) for n in x.shape[-2:])
    return torch.stack(torch.meshgrid(columns, rows, indexing="xy"))[None]


def _margin(size: int) -> int:
    return max(round_up(size, STRIDE), SMALLEST) - size


def _pad(frame: Tensor) -> Tensor:
    """Repeat the outer rows and columns until the features fit."""
    rows, columns = (_margin(size) for size in frame.shape[-2:])
    sides = (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)
    return F.pad(frame, sides, mode="replicate")

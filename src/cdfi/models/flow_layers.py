"""The parts of the flow network: encoder, motion estimator and synthesis."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cdfi.models.flow_config import FlowConfig
from cdfi.ops import match_features

SLOPE = 0.1  # of the leaky ReLU
SHUFFLE = 2  # the synthesis works at half size
OUTPUTS = 10  # mask, residual (3), sharpness (2), motion (4)
STRIP = 200_000  # positions of a map that are computed at once without gradients


class FrameEncoder(nn.Module):
    """Features of a level's frame at half and at a quarter of its size."""

    def __init__(self, config: FlowConfig) -> None:
        super().__init__()
        (a, b), (c, d, e) = config.fine, config.coarse
        self.fine = nn.Sequential(_conv(3, a, stride=2), _conv(a, b))
        last = nn.Conv2d(d, e, 3, padding=1)  # no activation, so that signs can be compared
        self.coarse = nn.Sequential(_conv(b, c, stride=2), _conv(c, d), last)

    def forward(self, frame: Tensor) -> tuple[Tensor, Tensor]:
        """Return (N, C, H/2, W/2) and (N, C, H/4, W/4)."""
        fine = self.fine(frame)
        return fine, self.coarse(fine)


class MotionEstimator(nn.Module):
    """One step of refinement, the same at every level."""

    def __init__(self, config: FlowConfig) -> None:
        super().__init__()
        self.radius = config.radius
        read = 2 * config.coarse[-1] + config.volume + 4 + 1 + config.hidden
        self.enter = _conv(read, config.width, size=1)
        self.body = nn.Sequential(*(Residual(config.width) for _ in range(config.blocks)))
        self.hidden = _conv(config.width, config.hidden)
        self.delta = nn.Conv2d(config.width, 4, 3, padding=1)
        shrink(self.delta)

    def forward(
        self, features: Tensor, motion: Tensor, hidden: Tensor, t: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the refined motion (N, 4, h, w) in cells, float32, and the next hidden state.

        Args:
            features: (2 * N, C, h, w) of frame0, then frame1.
            motion: (N, 4, h, w) in cells; see :func:`split_motion`.
            hidden: (N, hidden, h, w).
            t: (N, 1, 1, 1) or (1, 1, 1, 1).
        """
        features0, features1 = features.chunk(2)
        matched = match_features(features0, features1, *split_motion(motion, t), self.radius)
        x = self._enter((matched, motion / 8, t.expand_as(motion[:, :1]), hidden.float()))
        x = self.body(x)
        return motion + self.delta(x).float(), self.hidden(x)

    def _enter(self, parts: tuple[Tensor, ...]) -> Tensor:
        """Return the first layer's result; without gradients, the parts are joined in strips."""
        if torch.is_grad_enabled():
            joined: Tensor = self.enter(torch.cat(parts, 1))
            return joined
        height, step = parts[0].shape[2], strip_rows(parts[0].shape[3])
        strips = (
            self.enter(torch.cat([x[:, :, top : top + step] for x in parts], 1))
            for top in range(0, height, step)
        )
        return torch.cat(list(strips), 2)


class Synthesis(nn.Module):
    """A small network at half size that computes the ten maps from which a frame is composed.

    The maps are the mask's logit, a residual of three colours, how much sharper each side is
    sampled than by cubic convolution, and a correction of the motion (see :func:`split_motion`).
    """

    def __init__(self, config: FlowConfig) -> None:
        super().__init__()
        self.read = 2 * config.fine[-1] + config.hidden + 2 * 3 * SHUFFLE**2 + 4 + 1
        self.halo = 2 * (config.low_blocks + 3)  # rows on each side that a row depends on; even
        self.enter = _conv(self.read, config.synthesis, size=1)
        low = [Residual(config.low) for _ in range(config.low_blocks)]
        self.low = nn.Sequential(_conv(config.synthesis, config.low, stride=2), *low)
        self.rise = nn.Conv2d(config.low, config.synthesis, 1)
        self.body = Residual(config.synthesis)
        self.out = nn.Conv2d(config.synthesis, OUTPUTS * SHUFFLE**2, 3, padding=1)
        shrink(self.out)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H/2, W/2) -> (N, 10, H, W), float32."""
        x = self.enter(x)
        x = self.body(x + upsample(self.rise(self.low(x))))
        return F.pixel_shuffle(self.out(x).float(), SHUFFLE)


class Residual(nn.Module):
    """A convolution whose activation is added to its input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        return x + F.leaky_relu(self.conv(x), SLOPE)


def split_motion(motion: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """Return the flows from the instant ``t`` to frame0 and to frame1.

    A point that moves by v over the gap is displaced by -t v in frame0 and by (1 - t) v in frame1,
    relative to its position at t. A correction c is added to both: motion that is not linear.

    Args:
        motion: (N, 4, H, W): v (rows, columns), then c (rows, columns), in pixels.
        t: (N, 1, 1, 1) or (1, 1, 1, 1).
    """
    velocity, correction = motion.chunk(2, 1)
    return correction - t * velocity, correction + (1 - t) * velocity


def strip_rows(width: int) -> int:
    """Return the rows of a strip of maps that are ``width`` wide, an even number."""
    return max(STRIP // width // 2 * 2, 8)


def shrink(layer: nn.Conv2d) -> None:
    """Scale the initial weights of a last layer down, so that what it adds is small at first."""
    with torch.no_grad():
        layer.weight.mul_(0.1)
        if layer.bias is not None:
            layer.bias.zero_()


def upsample(x: Tensor) -> Tensor:
    """Return (N, C, H, W) at twice the size: bilinear, corners not aligned."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def _conv(channels_in: int, channels_out: int, *, size: int = 3, stride: int = 1) -> nn.Sequential:
    layer = nn.Conv2d(channels_in, channels_out, size, stride, size // 2)
    return nn.Sequential(layer, nn.LeakyReLU(SLOPE, inplace=True))

"""A network that interpolates at any instant: bidirectional flow, coarse to fine, and a synthesis.

A pyramid of the two frames is run through the same small estimator, as in UPR-Net (Jin et al., "A
Unified Pyramid Recurrent Network for Video Frame Interpolation", CVPR 2023). Every level refines a
motion in terms of the instant t, so that one network serves all instants.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from cdfi.common.multiples import round_up
from cdfi.models.config import MEAN
from cdfi.models.flow_config import FlowConfig
from cdfi.models.flow_layers import (
    SHUFFLE,
    STRIP,
    FrameEncoder,
    MotionEstimator,
    Synthesis,
    split_motion,
    strip_rows,
    upsample,
)
from cdfi.models.timed import TimedNetwork
from cdfi.ops import cubic_warp, warp
from cdfi.ops.refine_flow.reference import upsample_flow

SMALLEST = 32  # pixels on the short side of the coarsest level, about
_FULL_SIZE = 24  # planes of the frame's size that are alive at once


class GapFeatures(NamedTuple):
    """What does not depend on the instant: computed once for all instants between two frames."""

    frame0: Tensor  # (N, 3, H', W'), padded
    frame1: Tensor
    fine: Tensor  # (2 * N, C, H'/2, W'/2): features of frame0, then of frame1
    coarse: list[Tensor]  # coarse to fine, (2 * N, C, h, w) at a quarter of each level's size
    size: tuple[int, int]  # H, W of the frames as given
    halvings: int = 0  # how often the frames were halved before their motion was estimated


class FlowPrediction(NamedTuple):
    """An interpolated frame and what it was computed from; frames and flows cropped to H x W."""

    middle: Tensor  # (N, 3, H, W), not clamped
    motions: list[Tensor]  # coarse to fine, (N, 4, h, w): see split_motion; in cells of the level
    flow0: Tensor  # (N, 2, H, W) pixels, rows then columns, from the instant to frame0
    flow1: Tensor
    warp0: Tensor  # (N, 3, H, W): frame0 sampled along flow0
    warp1: Tensor


class Rows(NamedTuple):
    """Rows of the frame at half size; unlike a range, they may be symbolic in an export."""

    start: int
    stop: int


class FlowNetwork(TimedNetwork):
    """Two frames and an instant in, the frame at that instant out.

    Args:
        config: the architecture.

    Attributes:
        halvings: how often frames are halved before their motion is estimated; None decides by
            their size. The middle is sampled from the full frames in any case.
    """

    config: FlowConfig
    mean: Tensor
    halvings: int | None = 0

    def __init__(self, config: FlowConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = FrameEncoder(config)
        self.estimator = MotionEstimator(config)
        self.synthesis = Synthesis(config)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)

    def prepare(self, frame0: Tensor, frame1: Tensor) -> GapFeatures:
        """Return what all instants between two frames share: their features at every level."""
        height, width = frame0.shape[-2:]
        halvings = self.halvings_of(height, width)
        count = self.level_count(height >> halvings, width >> halvings)
        frame0, frame1 = (_pad(x, size_multiple(count, halvings)) for x in (frame0, frame1))
        features = self.features(frame0, frame1, count, halvings)
        return features._replace(size=(height, width))

    def features(
        self, frame0: Tensor, frame1: Tensor, count: int, halvings: int = 0
    ) -> GapFeatures:
        """Return the features at ``count`` levels of frames that are padded already."""
        level = torch.cat((frame0, frame1)) - self.mean
        fine, quarter = self.encoder(level)
        coarse = [] if halvings else [quarter]
        for step in range(1, count + halvings):
            level = F.avg_pool2d(level, 2)
            if step >= halvings:
                coarse.insert(0, self.encoder(level)[1])
        size = (frame0.shape[2], frame0.shape[3])
        return GapFeatures(frame0, frame1, fine, coarse, size, halvings)

    def between(self, state: GapFeatures, t: float | Tensor) -> Tensor:
        """Return the frame at ``t``, (N, 3, H, W), not clamped, from what :meth:`prepare` gave.

        Without gradients the synthesis runs in strips of rows, with the same result.

        Args:
            state: of :meth:`prepare`.
            t: in (0, 1): a number, a tensor without dimensions, or (N, 1, 1, 1).
        """
        height, width = state.size
        step = strip_rows(state.frame0.shape[3] // SHUFFLE)
        if torch.is_grad_enabled() or step * SHUFFLE >= state.frame0.shape[2]:
            return self.predict(state, t).middle
        t = self._instants(t, state)
        motions, hidden = self._motions(state, t)
        half, hidden = _at_half_size(motions[-1], hidden, state.halvings)
        middle = torch.empty_like(state.frame0[..., :height, :], dtype=torch.float32)
        for top in range(0, -(-height // SHUFFLE), step):
            rows = Rows(top, min(top + step, half.shape[2]))
            strip = self._rows(state, half, hidden, t, rows)[0]
            first = top * SHUFFLE
            middle[:, :, first : first + strip.shape[2]] = strip[:, :, : height - first]
        return middle[..., :width]

    def predict(self, gap: GapFeatures, t: float | Tensor) -> FlowPrediction:
        """Return the frame at ``t`` with the motion and the warps it was computed from."""
        t = self._instants(t, gap)
        motions, hidden = self._motions(gap, t)
        half, hidden = _at_half_size(motions[-1], hidden, gap.halvings)
        planes = self._rows(gap, half, hidden, t, Rows(0, half.shape[2]))
        height, width = gap.size
        middle, *others = (x[..., :height, :width] for x in planes)
        return FlowPrediction(middle, motions, *others)

    def peak_bytes(self, height: int, width: int) -> int:
        """Return the bytes that one pair of float32 frames takes at the peak of both steps."""
        halvings = self.halvings_of(height, width)
        levels = self.level_count(height >> halvings, width >> halvings)
        multiple = size_multiple(levels, halvings)
        pixels = round_up(height, multiple) * round_up(width, multiple)
        config = self.config
        quarter = 3 * config.coarse[-1] + 2 * config.volume + 4 * config.width
        half = 3 * config.fine[-1] + config.hidden
        strip = 3 * self.synthesis.read * min(pixels // 4, STRIP)
        return int(4 * (pixels * (_FULL_SIZE + half / 4 + quarter / 16) + strip))

    def halvings_of(self, height: int, width: int) -> int:
        """Return how often frames of this size are halved before their motion is estimated.

        By default until the coarsest of all levels is as small as in training.
        """
        short, halvings = min(height, width), 0
        if self.halvings is not None:
            while halvings < self.halvings and short >> halvings >= 2 * SMALLEST:
                halvings += 1
            return halvings
        while short >> halvings >= SMALLEST * 2**self.config.levels:
            halvings += 1
        return halvings

    def level_count(self, height: int, width: int) -> int:
        """Return how many levels frames of this size have, at least 1."""
        count = 1
        while min(height, width) >= SMALLEST * 2**count and count < self.config.levels:
            count += 1
        return count

    def _instants(self, t: float | Tensor, gap: GapFeatures) -> Tensor:
        """Return ``t`` as (N, 1, 1, 1) or (1, 1, 1, 1), float32. Tensors are not checked."""
        if isinstance(t, Tensor):
            instants = t.to(gap.frame0.device, torch.float32)
            return instants if t.dim() else instants.view(1, 1, 1, 1)
        if not 0 < t < 1:
            raise ValueError(f"expected an instant t with 0 < t < 1, got {t}")
        return torch.full((1, 1, 1, 1), float(t), device=gap.frame0.device)

    def _motions(self, gap: GapFeatures, t: Tensor) -> tuple[list[Tensor], Tensor]:
        """Return the motion of every level, coarse to fine, and the last hidden state."""
        count, (height, width) = len(gap.frame0), gap.coarse[0].shape[2:]
        motion = gap.frame0.new_zeros((count, 4, height, width), dtype=torch.float32)
        hidden = motion.new_zeros((count, self.config.hidden, height, width))
        motions: list[Tensor] = []
        for features in gap.coarse:
            if motions:
                motion, hidden = upsample_flow(motion), upsample(hidden)
            motion, hidden = self.estimator(features, motion, hidden, t)
            motions.append(motion)
        return motions, hidden

    def _rows(
        self, gap: GapFeatures, half: Tensor, hidden: Tensor, t: Tensor, rows: Rows
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Return middle, flow0, flow1, warp0 and warp1 for some rows of the frame at half size.

        Args:
            gap: of :meth:`prepare`.
            half: (N, 4, H'/2, W'/2), the motion at half size.
            hidden: (N, hidden, H'/2, W'/2), the estimator's last state.
            t: (N, 1, 1, 1) or (1, 1, 1, 1).
            rows: at half size, beginning with an even row.
        """
        halo = self.synthesis.halo
        top, bottom = max(rows.start - halo, 0), min(rows.stop + halo, half.shape[2])
        maps = self.synthesis(self._synthesis_input(gap, half, hidden, t, Rows(top, bottom)))
        first, last = SHUFFLE * (rows.start - top), SHUFFLE * (rows.stop - top)
        full = upsample_flow(half[:, :, top:bottom])
        mask, residual, sharpness, change = maps[:, :, first:last].split((1, 3, 2, 4), 1)
        flow0, flow1 = split_motion(full[:, :, first:last] + change, t)
        start = SHUFFLE * rows.start
        warp0 = cubic_warp(gap.frame0, _from_row(start, flow0), 1 + sharpness[:, :1])
        warp1 = cubic_warp(gap.frame1, _from_row(start, flow1), 1 + sharpness[:, 1:])
        visible0 = torch.sigmoid(mask + torch.log((1 - t) / t))
        return torch.lerp(warp1, warp0, visible0) + residual, flow0, flow1, warp0, warp1

    def _synthesis_input(
        self, gap: GapFeatures, half: Tensor, hidden: Tensor, t: Tensor, rows: Rows
    ) -> Tensor:
        """Return what the synthesis reads for some rows at half size, (N, C, rows, W'/2)."""
        motion, hidden = (x[:, :, rows.start : rows.stop] for x in (half, hidden))
        fine0, fine1 = gap.fine.chunk(2)
        flow0, flow1 = (_from_row(rows.start, x) for x in split_motion(motion, t))
        full0, full1 = (
            _from_row(SHUFFLE * rows.start, x) for x in split_motion(upsample_flow(motion), t)
        )
        cubic = torch.ones_like(full0[:, :1])
        parts = (
            warp(fine0, flow0),
            warp(fine1, flow1),
            hidden.float(),
            F.pixel_unshuffle(cubic_warp(gap.frame0, full0, cubic) - self.mean, SHUFFLE),
            F.pixel_unshuffle(cubic_warp(gap.frame1, full1, cubic) - self.mean, SHUFFLE),
            motion / 16,
            t.expand_as(motion[:, :1]),
        )
        return torch.cat(parts, 1)


def size_multiple(levels: int, halvings: int = 0) -> int:
    """Return the number that padded rows and columns are multiples of, for a number of levels."""
    return int(2 ** (levels + 1 + halvings))


def _at_half_size(motion: Tensor, hidden: Tensor, halvings: int) -> tuple[Tensor, Tensor]:
    """Return the last motion and hidden state at half the size of the full frames."""
    for _ in range(1 + halvings):
        motion, hidden = upsample_flow(motion), upsample(hidden)
    return motion, hidden


def _from_row(first: int, flow: Tensor) -> Tensor:
    """Return the flow of rows 0, 1, ... as a flow of rows ``first``, ``first + 1``, ..."""
    if first == 0:
        return flow
    offset = torch.zeros((1, 2, 1, 1), device=flow.device)  # a copy from the host stops CUDA graphs
    offset[:, :1] += first
    return flow + offset


def _pad(frame: Tensor, multiple: int) -> Tensor:
    """Repeat the last row and column until both sizes are multiples of ``multiple``."""
    height, width = frame.shape[-2:]
    return F.pad(frame, (0, -width % multiple, 0, -height % multiple), mode="replicate")

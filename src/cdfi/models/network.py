"""Network: a U-Net whose heads predict where to sample both frames, and with which weights."""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cdfi.models.architectures import name_of
from cdfi.models.config import MEAN, Config, Widths
from cdfi.models.cost_volumes import Matching
from cdfi.models.flow_refinement import Refined, Refinement
from cdfi.models.gridnet import GridNet
from cdfi.ops import Maps, adacof, details, tap_softmax
from cdfi.ops.details.reference import BANDS
from cdfi.ops.resize.op import resize, upsample2x

#: The U-Net halves five times: frames are padded to a multiple of this.
MULTIPLE = 32


class Prediction(NamedTuple):
    """A middle frame, and the maps and warps it is composed of; all at the frames' H x W."""

    middle: Tensor  # (N, 3, H, W)
    warp0: Tensor  # (N, 3, H, W): frame0 sampled by maps0, with details
    warp1: Tensor
    maps0: Maps
    maps1: Maps
    occlusion: Tensor  # (N, 1, H, W): weight of warp0
    blend: Tensor | None = None  # (N, 1, H, W): weight of the synthesis
    initial_flow: Tensor | None = None  # (N, 4, H, W): before refinement (see Refined)


class Head(nn.Module):
    """A map from the half-resolution features: three convolutions, bilinear x2, one more."""

    def __init__(self, channels_in: int, widths: Widths, channels_out: int) -> None:
        super().__init__()
        self.hidden = stack(channels_in, widths)
        self.last = nn.Conv2d(widths[-1], channels_out, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H/2, W/2) -> (N, out, H, W)."""
        return cast(Tensor, self.last(upsample2x(self.hidden(x), align_corners=True)))


class Network(nn.Module):
    """Computes the frame half-way between two frames.

    AdaCoF (Lee et al., CVPR 2020), its compressed form, CDFI (Ding et al., CVPR 2021, figure 4) and
    the networks derived from them are rows of :data:`cdfi.models.NETWORKS`; the code is the same.

    Args:
        config: the architecture.

    Attributes:
        takes_time: False, as only t = 1/2 is computed; see :class:`cdfi.models.TimedNetwork`.
    """

    takes_time: ClassVar[bool] = False
    mean: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        out = [widths[-1] for widths in config.encoder]
        skips = out[:0:-1]  # coarse to fine, without the finest stage
        entries = [out[-1], *skips[:-1]]
        exits = [widths[-1] for widths in config.decoder]
        inputs = [before + volume for before, volume in zip([6, *out], config.volumes)]
        self.encoder = nn.ModuleList(map(stack, inputs, config.encoder))
        self.decoder = nn.ModuleList(map(stack, entries, config.decoder))
        self.upsample = nn.ModuleList(stack(w, (skip,)) for w, skip in zip(exits, skips))
        self.heads = nn.ModuleDict(
            {name: Head(skips[-1], *row) for name, row in config.heads.items()}
        )
        self.project = nn.ModuleList(
            nn.Conv2d(w, kept, 1, padding=config.projection_padding)
            for w, kept in zip(out, config.pyramid)
        )
        self.matching = Matching(config.describe, config.matching) if config.matching else None
        self.refinement = (
            Refinement(skips[-1], config.flow, config.compare, config.refine)
            if config.refine
            else None
        )
        warped = 2 * (3 + sum(config.pyramid))
        self.synthesis = GridNet(warped, 3, config.grid) if config.grid else None
        mean = torch.tensor(MEAN).view(1, 3, 1, 1)
        self.register_buffer("mean", mean, persistent=False)

    def __repr__(self) -> str:
        count = sum(parameter.numel() for parameter in self.parameters())
        return f"Network({name_of(self.config)}, {count / 1e6:.2f} M parameters)"

    def forward(self, frame0: Tensor, frame1: Tensor) -> Tensor:
        """Return the middle frame, (N, 3, H, W), not clamped; frames are RGB in [0, 1]."""
        return self.predict(frame0, frame1).middle

    def predict(self, frame0: Tensor, frame1: Tensor) -> Prediction:
        """Return the middle frame, and the maps and warps it is composed of.

        Args:
            frame0: (N, 3, H, W), RGB in [0, 1], any size.
            frame1: the same.
        """
        height, width = frame0.shape[-2:]
        frame0, frame1 = pad_to_multiple(frame0), pad_to_multiple(frame1)
        features = self.encode(frame0, frame1)
        decoded, flow, initial_flow = self.refine(self.decode(features), frame0, frame1)
        joint = self.joint_features(self.pyramid(features), frame0.shape[-2], frame0.shape[-1])
        maps0, maps1 = self.maps(decoded, 0, flow), self.maps(decoded, 1, flow)
        bordered0, bordered1 = self.bordered(frame0), self.bordered(frame1)
        warps0 = self.warp(bordered0, joint, maps0)
        warps1 = self.warp(bordered1, joint, maps1)
        (warped0, *levels0), (warped1, *levels1) = (
            self.split_levels(warps0),
            self.split_levels(warps1),
        )
        if flow is not None and "detail" in self.heads:
            band_weights = self.heads["detail"](decoded)
            warped0 = warped0 + scaled_details(bordered0, band_weights, 0, flow)
            warped1 = warped1 + scaled_details(bordered1, band_weights, 1, flow)
        occlusion = torch.sigmoid(self.heads["occlusion"](decoded))
        middle = occlusion * warped0 + (1 - occlusion) * warped1
        blend = None
        if self.synthesis is not None:
            blend = torch.sigmoid(self.heads["blend"](decoded))
            stacked = interleave([warped0, *levels0], [warped1, *levels1])
            middle = blend * self.synthesis(stacked) + (1 - blend) * middle
        prediction = Prediction(
            middle, warped0, warped1, maps0, maps1, occlusion, blend, initial_flow
        )
        return _crop(prediction, height, width)

    def encode(self, frame0: Tensor, frame1: Tensor) -> list[Tensor]:
        """Return features of both padded frames; stage s is (N, C, H/2^s, W/2^s)."""
        frame0, frame1 = frame0 - self.mean, frame1 - self.mean
        volumes = [] if self.matching is None else self.matching(frame0, frame1)
        features = [self.encoder[0](torch.cat([frame0, frame1], 1))]
        for number, stage in enumerate(list(self.encoder)[1:]):
            inputs = [F.avg_pool2d(features[-1], 2)]
            inputs += [volume.to(inputs[0].dtype) for volume in volumes[number : number + 1]]
            features.append(stage(torch.cat(inputs, 1)))
        return features

    def decode(self, features: list[Tensor]) -> Tensor:
        """Return the decoded features, (N, C, H/2, W/2), which the heads read."""
        x = F.avg_pool2d(features[-1], 2)
        for stage, upsample, skip in zip(self.decoder, self.upsample, reversed(features)):
            x = upsample(upsample2x(stage(x), align_corners=True)) + skip
        return x

    def refine(self, decoded: Tensor, frame0: Tensor, frame1: Tensor) -> Refined:
        """Return the input of the heads, and the refined flow that is added to their offsets.

        Without refinement, ``decoded`` itself and no flow.
        """
        if self.refinement is None:
            return Refined(decoded)
        refined: Refined = self.refinement(decoded, frame0, frame1)
        return refined

    def maps(self, decoded: Tensor, side: int, flow: Tensor | None) -> Maps:
        """Return the maps of ``side`` (0 or 1), at the size of the padded frames."""
        weight, alpha, beta = (self.heads[f"{name}{side}"](decoded) for name in MAP_NAMES)
        return Maps(tap_softmax(weight), *add_flow(alpha, beta, side, flow))

    def pyramid(self, features: list[Tensor]) -> list[Tensor]:
        """Return the 1 x 1 projection of each stage, at the stage's size."""
        return [project(x) for project, x in zip(self.project, features)]

    def joint_features(self, levels: list[Tensor], height: int, width: int) -> Tensor | None:
        """Return the features that both sides warp, with the border that a warp needs.

        Args:
            levels: of :meth:`pyramid`.
            height: rows of the padded frames.
            width: columns of the padded frames.

        Returns:
            (N, 60, height + 2 * reach, width + 2 * reach), or None without synthesis.
        """
        if self.synthesis is None:
            return None
        joined = torch.cat([self.to_full_size(level, height, width) for level in levels], 1)
        if self.config.features == "stretched":
            return joined
        return self.bordered(joined)

    def to_full_size(self, level: Tensor, height: int, width: int) -> Tensor:
        """Return one level at the size of the frame, with the warp border if "stretched"."""
        grow = 2 * self.config.reach if self.config.features == "stretched" else 0
        size = (height + grow, width + grow)
        return resize(level, size, align_corners=False)

    def bordered(self, frame: Tensor) -> Tensor:
        """Return the frame with the border of a warp: (N, C, H + 2 * reach, W + 2 * reach)."""
        return F.pad(frame, [self.config.reach] * 4, mode="replicate")

    def warp(self, frame: Tensor, features: Tensor | None, maps: Maps) -> Tensor:
        """Return frame and features, both with border, sampled by one side's maps in one call.

        Returns:
            (N, 3 + 60, H, W), or (N, 3, H, W) without features.
        """
        if features is not None:
            frame = torch.cat([frame, features.to(frame.dtype)], 1)
        config = self.config
        return adacof(frame, *maps, dilation=config.dilation, rounding=config.rounding)

    def split_levels(self, warps: Tensor) -> tuple[Tensor, ...]:
        """Split the warps of one side into the frame and each level of the pyramid."""
        return torch.split(warps, [3, *self.config.pyramid], 1)


def interleave(side0: Sequence[Tensor], side1: Sequence[Tensor]) -> Tensor:
    """Return GridNet's input in its trained order: both frames, then both sides of each level."""
    return torch.cat([warp for pair in zip(side0, side1) for warp in pair], 1)


#: Heads of one side, in the order :class:`Maps` has them.
MAP_NAMES = ("weight", "alpha", "beta")


def add_flow(alpha: Tensor, beta: Tensor, side: int, flow: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return row and column offsets of ``side`` with the flow added, if there is one."""
    if flow is None:
        return alpha, beta
    return alpha + flow[:, 2 * side, None], beta + flow[:, 2 * side + 1, None]


def scaled_details(
    frame: Tensor, band_weights: Tensor, side: int, flow: Tensor, top: int = 0
) -> Tensor:
    """Return the details to add to the warp of ``side``: (N, C, h, W).

    Args:
        frame: of the side, with border, (N, C, H + 2 * reach, W + 2 * reach).
        band_weights: (N, 4, h, W): two of frame 0, then two of frame 1.
        side: 0 or 1.
        flow: (N, 4, h, W), pixels: rows, columns to frame 0, then to frame 1.
        top: row of the frame at which ``band_weights`` and ``flow`` begin.
    """
    components, bands = slice(2 * side, 2 * side + 2), slice(BANDS * side, BANDS * (side + 1))
    added = details(frame, flow[:, components], band_weights[:, bands], top=top)
    return added.to(frame.dtype)


def stack(channels_in: int, widths: tuple[int, ...]) -> nn.Sequential:
    """Return 3 x 3 convolutions of these widths, each followed by a ReLU."""
    layers: list[nn.Module] = []
    for before, after in zip((channels_in, *widths), widths):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


def pad_to_multiple(frame: Tensor, multiple: int = MULTIPLE) -> Tensor:
    """Pad ``frame`` at the right and bottom to a multiple, by reflection.

    Reflection adds at most size - 1 pixels; the rest, in tiny frames, replicates the edge.
    """
    for axis in (-1, -2):
        missing = -frame.shape[axis] % multiple
        reflected = min(missing, frame.shape[axis] - 1)
        for mode, amount in (("reflect", reflected), ("replicate", missing - reflected)):
            if amount:
                frame = F.pad(frame, (0, amount, 0, 0) if axis == -1 else (0, 0, 0, amount), mode)
    return frame


def _crop(prediction: Prediction, height: int, width: int) -> Prediction:
    def cut(x: Tensor | Maps | None) -> Tensor | Maps | None:
        if isinstance(x, Maps):
            return Maps(*(m[..., :height, :width] for m in x))
        return None if x is None else x[..., :height, :width]

    return Prediction(*(cut(x) for x in prediction))  # type: ignore[arg-type]

"""An architecture as data: what a network is built from, the five published rows and ours."""

import json
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, get_type_hints

from cdfi.ops.details.op import BANDS

Widths = tuple[int, int, int]
Rounding = Literal["floor", "trunc"]
Features = Literal["aligned", "stretched"]

STAGES = 5
MAP_HEADS = ("weight0", "alpha0", "beta0", "weight1", "alpha1", "beta1")


@dataclass(frozen=True)
class Config:
    """The choices that make one network; whatever follows from them is derived, never stored.

    Attributes:
        kernel: K, taps on a side of the K x K kernel of each output pixel.
        dilation: d, pixels between neighbouring taps.
        encoder: output widths of the three convolutions of each of the five stages, fine to coarse.
        decoder: the same for the four decoder stages, coarse to fine.
        weight0, alpha0, beta0, weight1, alpha1, beta1: hidden widths of the head of each map;
            0 and 1 are the side (``frame0``, ``frame1``), alpha row and beta column offsets.
        occlusion: hidden widths of the head of the mask between the two sides.
        blend: the same for the mask between synthesis and warps; None without synthesis.
        pyramid: channels the 1 x 1 projections keep of each encoder stage; empty without synthesis.
        grid: GridNet's widths, fine to coarse; empty without synthesis.
        rounding: how a sampling position is split into an integer and a fraction. "trunc" is the
            released CUDA kernel's, which extrapolates below zero; "floor" is true bilinear.
        projection_padding: zeros around the input of the 1 x 1 projections. The released network
            has 1, which frames every feature map with a border of pure bias.
        features: "stretched" resizes the features over the frame and its warp border together,
            as the released network does; "aligned" resizes them over the frame alone and
            replicates their edge, as the frame's own is.
        matching: cells that the cost volumes at strides 2, 4, ... search each way, which the
            encoder's stages from the second on read beside what they had; empty without them.
        describe: channels of the descriptors they compare; empty without them.
        refine: levels, at strides 1, 2, 4, ..., of the registration of a motion that the offsets
            are counted from; 0 without: they are counted from each place itself.
        flow: hidden widths of the layers that guess this motion; empty without it.
        compare: hidden widths of the layers that show the heads the frames so aligned; empty
            without it.
        detail: hidden widths of the head of how much detail is added to the warps; None without.
            It is sampled where the motion leads (see :func:`cdfi.ops.details`).
    """

    kernel: int
    dilation: int
    encoder: tuple[Widths, ...]
    decoder: tuple[Widths, ...]
    weight0: Widths
    alpha0: Widths
    beta0: Widths
    weight1: Widths
    alpha1: Widths
    beta1: Widths
    occlusion: Widths
    blend: Widths | None = None
    pyramid: tuple[int, ...] = ()
    grid: tuple[int, ...] = ()
    rounding: Rounding = "floor"
    projection_padding: int = 0
    features: Features = "aligned"
    matching: tuple[int, ...] = ()
    describe: tuple[int, ...] = ()
    refine: int = 0
    flow: tuple[int, ...] = ()
    compare: tuple[int, ...] = ()
    detail: Widths | None = None

    def __post_init__(self) -> None:
        _check(self.kernel >= 1 and self.dilation >= 1, "kernel and dilation of at least 1", self)
        odd = (self.kernel - 1) * self.dilation % 2
        _check(not odd, "an odd kernel or an even dilation, so that its taps have a middle", self)
        _check(len(self.encoder) == STAGES, f"{STAGES} encoder stages", self)
        _check(len(self.decoder) == STAGES - 1, f"{STAGES - 1} decoder stages", self)
        _check(all(len(s) == 3 for s in self.stacks()), "three widths in every stack", self)
        _check(all(w >= 1 for stack in self.stacks() for w in stack), "widths of at least 1", self)
        _check(len(self.pyramid) in (0, STAGES), f"0 or {STAGES} pyramid levels", self)
        _check(len(self.grid) in (0, 3), "0 or 3 GridNet widths", self)
        parts = (bool(self.pyramid), bool(self.grid), self.blend is not None)
        _check(len(set(parts)) == 1, "pyramid, grid and blend together, or none of them", self)
        _check(len(self.matching) == len(self.describe) < STAGES, "a radius and a width each", self)
        _check(0 <= self.refine <= STAGES, f"0 to {STAGES} levels of refinement", self)
        refined = {self.refine > 0, bool(self.flow), bool(self.compare)}
        _check(len(refined) == 1, "refine, flow and compare together, or none of them", self)
        _check(self.detail is None or self.refine > 0, "refine for detail", self)
        others = (*self.matching, *self.describe, *self.flow, *self.compare)
        _check(all(x >= 1 for x in others), "widths of at least 1", self)
        _check(self.rounding in ("floor", "trunc"), "rounding 'floor' or 'trunc'", self)
        _check(self.features in ("aligned", "stretched"), "features 'aligned' or 'stretched'", self)

    @property
    def taps(self) -> int:
        """Sampled positions an output pixel has on each side: K * K."""
        return self.kernel * self.kernel

    @property
    def reach(self) -> int:
        """Pixels from the middle tap to the outermost: the border a frame needs before a warp."""
        return (self.kernel - 1) * self.dilation // 2

    @property
    def volumes(self) -> tuple[int, ...]:
        """Channels of the cost volume that each encoder stage reads, fine to coarse."""
        found = tuple((2 * radius + 1) ** 2 for radius in self.matching)
        return (0, *found, *[0] * (STAGES - 1 - len(found)))

    @property
    def heads(self) -> dict[str, tuple[Widths, int]]:
        """Name of each head -> its hidden widths and its output channels."""
        rows = {name: (getattr(self, name), self.taps) for name in MAP_HEADS}
        rows["occlusion"] = (self.occlusion, 1)
        if self.blend is not None:
            rows["blend"] = (self.blend, 1)
        if self.detail is not None:
            rows["detail"] = (self.detail, 2 * BANDS)
        return rows

    def stacks(self) -> list[Widths]:
        """Every triple of widths, in the order the network runs them."""
        heads = [getattr(self, name) for name in MAP_HEADS]
        masks = [self.occlusion, self.blend, self.detail]
        return [*self.encoder, *self.decoder, *heads, *filter(None, masks)]

    def as_released(self) -> "Config":
        """The same architecture with the quirks the released checkpoints were trained with."""
        return replace(self, rounding="trunc", projection_padding=1, features="stretched")

    def to_json(self) -> str:
        """One line of JSON that :meth:`from_json` reads back."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Config":
        """The Config that ``text`` describes.

        Raises:
            ValueError: ``text`` is no JSON object, or has unknown, missing or impossible fields.
        """
        try:
            row = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"a Config is a JSON object, but this is not JSON: {error}") from error
        if not isinstance(row, dict):
            raise ValueError(f"a Config is a JSON object, not a {type(row).__name__}")
        unknown = row.keys() - {field.name for field in fields(cls)}
        if unknown:
            raise ValueError(f"unknown Config fields {sorted(unknown)}: known are {_names()}")
        try:
            return cls(**{name: _tuples(v) for name, v in row.items()})  # type: ignore[arg-type]
        except TypeError as error:
            raise ValueError(f"this Config is incomplete or malformed: {error}") from error


def _names() -> list[str]:
    return list(get_type_hints(Config))


def _tuples(value: object) -> object:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def _check(holds: bool, wanted: str, config: Config) -> None:
    if not holds:
        raise ValueError(f"a Config needs {wanted}; got {config.to_json()}")


def _alike(widths: Widths) -> dict[str, Any]:
    """The same hidden widths for every map head."""
    return dict.fromkeys(MAP_HEADS, widths)


def _full(kernel: int, dilation: int) -> Config:
    """AdaCoF before compression (Lee et al., CVPR 2020)."""
    triple = (64, 64, kernel * kernel)
    return Config(
        kernel,
        dilation,
        encoder=tuple((w, w, w) for w in (32, 64, 128, 256, 512)),
        decoder=tuple((w, w, w) for w in (512, 256, 128, 64)),
        **_alike(triple),
        occlusion=(64, 64, 64),
    )


def _compressed(kernel: int, dilation: int) -> Config:
    """The widths the densities of the pruned AdaCoF ask for (CDFI, section 3.2)."""
    return Config(
        kernel,
        dilation,
        encoder=((24, 24, 24), (48, 48, 51), (99, 97, 94), (156, 142, 159), (92, 72, 121)),
        decoder=((99, 69, 36), (74, 83, 81), (83, 88, 72), (45, 47, 44)),
        weight0=(51, 49, 21),
        alpha0=(50, 48, 20),
        beta0=(51, 50, 20),
        weight1=(50, 49, 20),
        alpha1=(50, 49, 20),
        beta1=(51, 50, 20),
        occlusion=(52, 51, 48),
    )


def _cdfi() -> Config:
    """The compressed network with pyramid, synthesis and blend (CDFI, section 3.3)."""
    triple = (52, 49, 21)
    return Config(
        kernel=11,
        dilation=2,
        encoder=((24, 24, 24), (48, 48, 52), (99, 97, 95), (156, 142, 159), (92, 72, 121)),
        decoder=((99, 69, 36), (74, 83, 81), (83, 88, 72), (45, 45, 45)),
        **_alike(triple),
        occlusion=(52, 52, 48),
        blend=(52, 52, 48),
        pyramid=(4, 8, 12, 16, 20),
        grid=(32, 64, 96),
    )


def _matched() -> Config:
    """Ours: the compressed AdaCoF, with part of what was saved spent on comparing the frames.

    The volumes reach 6, 16 and 32 pixels a half step. Its widths are the compressed ones in whole
    vectors of 16 channels, since processors compute whole vectors whatever the width.
    """
    triple = (48, 48, 16)
    return Config(
        kernel=5,
        dilation=1,
        encoder=((16, 16, 32), (48, 48, 48), (96, 96, 96), (160, 144, 160), (96, 80, 128)),
        decoder=((96, 64, 32), (80, 80, 80), (80, 80, 80), (48, 48, 48)),
        **_alike(triple),
        occlusion=(48, 48, 48),
        matching=(3, 4, 4),
        describe=(16, 32, 32),
    )


def _aligned() -> Config:
    """Ours: matched-adacof, whose kernels lie about a motion that registration has corrected.

    What they blur is added again as the frames have it there.
    """
    return replace(_matched(), refine=3, flow=(32, 16), compare=(48, 48), detail=(32, 32, 16))


NETWORKS = {
    "adacof": _full(5, 1),
    "adacof+": _full(11, 2),
    "compressed-adacof": _compressed(5, 1),
    "compressed-adacof+": _compressed(11, 2),
    "cdfi": _cdfi(),
    "matched-adacof": _matched(),
    "aligned-adacof": _aligned(),
}

"""Config: the architecture of a network of the AdaCoF family, as data."""

import json
from dataclasses import MISSING, asdict, dataclass, fields, replace
from itertools import chain
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from cdfi.ops.details.reference import BANDS

Widths = tuple[int, int, int]
Rounding = Literal["floor", "trunc"]
Features = Literal["aligned", "stretched"]

#: Mean of each colour over the training set of AdaCoF, subtracted from the input of the U-Net.
MEAN = (0.4631, 0.4352, 0.3990)
STAGES = 5
MAP_HEADS = ("weight0", "alpha0", "beta0", "weight1", "alpha1", "beta1")
#: Upper bounds, so that a damaged or hostile file cannot describe a network that fills the memory.
MAX_KERNEL, MAX_DILATION, MAX_WIDTH, MAX_RADIUS, MAX_LAYERS = 51, 64, 16_384, 32, 16
MOST_SHOWN = 80  # characters of a wrong value in an error message


@dataclass(frozen=True, repr=False)
class Config:
    """The architecture of one network; values that follow from these fields are not stored.

    Attributes:
        kernel: K, taps on a side of the K x K kernel of each output pixel.
        dilation: d, pixels between neighbouring taps.
        encoder: output widths of the three convolutions of each of the five stages, fine to coarse.
        decoder: the same for the four decoder stages, coarse to fine.
        weight0: hidden widths of the head of the kernel weights of ``frame0``.
        alpha0: hidden widths of the head of its row offsets.
        beta0: hidden widths of the head of its column offsets.
        weight1: as ``weight0``, for ``frame1``.
        alpha1: as ``alpha0``, for ``frame1``.
        beta1: as ``beta0``, for ``frame1``.
        occlusion: hidden widths of the head of the mask between the two sides.
        blend: hidden widths of the head of the mask between synthesis and warps; None without
            synthesis.
        pyramid: output channels of the 1 x 1 projection of each encoder stage; empty without
            synthesis.
        grid: GridNet's widths, fine to coarse; empty without synthesis.
        rounding: how a sampling position is split into an integer and a fraction. "trunc" is that
            of the released CUDA kernel, which extrapolates below zero; "floor" is true bilinear
            sampling.
        projection_padding: zeros around the input of the 1 x 1 projections. The released network
            has 1, which surrounds every feature map with a border of pure bias.
        features: "stretched" resizes the features to the size of the frame with its warp border,
            as the released network does; "aligned" resizes them to the frame and replicates their
            edge, as the frame's own edge is replicated.
        matching: search radius, in cells, of the cost volumes at strides 2, 4, ...; each is an
            additional input of an encoder stage, from the second on. Empty without cost volumes.
        describe: channels of the descriptors that the cost volumes compare.
        refine: levels, at strides 1, 2, 4, ..., of the flow refinement whose result is added to
            the offsets; 0 without.
        flow: hidden widths of the layers that predict the initial flow; empty without refinement.
        compare: hidden widths of the layers that read the aligned frames; empty without
            refinement.
        detail: hidden widths of the head of the band weights with which details are added to the
            warps (see :func:`cdfi.ops.details`); None without.
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
        _check_types(self)
        for holds, wanted, found in _requirements(self):
            if not holds:
                raise ValueError(f"expected a Config with {wanted}; got {_shortened(found)}")

    def __repr__(self) -> str:
        values = ((row, getattr(self, row.name)) for row in fields(self))
        shown = [f"{row.name}={value!r}" for row, value in values if value != row.default]
        return f"Config({', '.join(shown)})"

    @property
    def taps(self) -> int:
        """Sampled positions of an output pixel on each side: K * K."""
        return self.kernel * self.kernel

    @property
    def reach(self) -> int:
        """Pixels from the middle tap to the outermost: the border a frame needs before a warp."""
        return (self.kernel - 1) * self.dilation // 2

    @property
    def computes_colours(self) -> bool:
        """Whether a convolution computes colours, instead of only where and how to sample them."""
        return bool(self.grid)

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
        """Return every triple of widths, in the order in which the network runs them."""
        heads = [getattr(self, name) for name in MAP_HEADS]
        masks = [self.occlusion, self.blend, self.detail]
        return [*self.encoder, *self.decoder, *heads, *filter(None, masks)]

    def as_released(self) -> "Config":
        """Return the architecture with the quirks that the released checkpoints were trained with.

        Those are truncated offsets and padded, stretched features.
        """
        return replace(self, rounding="trunc", projection_padding=1, features="stretched")

    def to_json(self) -> str:
        """Return one line of JSON that :meth:`from_json` reads."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Config":
        """Return the Config that ``text`` describes.

        Raises:
            ValueError: ``text`` is not a JSON object, or has unknown, missing or impossible fields.
        """
        try:
            row = json.loads(text)
            values = {name: _tuples(value) for name, value in row.items()}
        except ValueError as error:
            raise ValueError(f"expected a Config as JSON, but it is not JSON: {error}") from error
        except AttributeError:
            raise ValueError(
                f"expected a Config as a JSON object, not a {type(row).__name__}"
            ) from None
        except RecursionError:
            raise ValueError("expected a Config, but the JSON is nested too deeply") from None
        known = {row.name: row for row in fields(cls)}
        if unknown := sorted(values.keys() - known.keys()):
            raise ValueError(f"unknown Config fields {unknown}: known are {list(known)}")
        required = {name for name, row in known.items() if row.default is MISSING}
        if missing := sorted(required - values.keys()):
            raise ValueError(f"this Config is incomplete: it has no {', '.join(missing)}")
        return cls(**values)  # type: ignore[arg-type]


def _requirements(config: Config) -> list[tuple[bool, str, object]]:
    """Return what a Config must fulfil: whether it does, what is expected, and what it has."""
    c = config
    taps = (c.kernel, c.dilation)
    odd = (c.kernel - 1) * c.dilation % 2
    synthesis = (c.pyramid, c.grid, c.blend)
    refinement = (c.refine, c.flow, c.compare)
    volumes = (c.matching, c.describe)
    widths = [*chain(*c.stacks()), *chain(c.pyramid, c.grid, c.describe, c.flow, c.compare)]
    wrong = [width for width in widths if not 1 <= width <= MAX_WIDTH]
    return [
        (1 <= c.kernel <= MAX_KERNEL, f"a kernel of 1 to {MAX_KERNEL}", c.kernel),
        (1 <= c.dilation <= MAX_DILATION, f"a dilation of 1 to {MAX_DILATION}", c.dilation),
        (not odd, "an odd kernel or an even dilation, so that the taps have a middle", taps),
        (len(c.encoder) == STAGES, f"{STAGES} encoder stages", len(c.encoder)),
        (len(c.decoder) == STAGES - 1, f"{STAGES - 1} decoder stages", len(c.decoder)),
        (not wrong, f"widths of 1 to {MAX_WIDTH}", wrong),
        (len(c.pyramid) in (0, STAGES), f"0 or {STAGES} pyramid levels", len(c.pyramid)),
        (len(c.grid) in (0, 3), "0 or 3 GridNet widths", c.grid),
        (_all_or_none(synthesis), "pyramid, grid and blend together, or none of them", synthesis),
        (0 <= c.projection_padding <= 1, "a projection padding of 0 or 1", c.projection_padding),
        (len(c.matching) == len(c.describe), "a radius and a width per cost volume", volumes),
        (len(c.matching) < STAGES, f"at most {STAGES - 1} cost volumes", len(c.matching)),
        (
            all(1 <= radius <= MAX_RADIUS for radius in c.matching),
            f"search radii of 1 to {MAX_RADIUS}",
            c.matching,
        ),
        (0 <= c.refine <= STAGES, f"0 to {STAGES} levels of refinement", c.refine),
        (_all_or_none(refinement), "refine, flow and compare together, or none", refinement),
        (
            max(len(c.flow), len(c.compare)) <= MAX_LAYERS,
            f"at most {MAX_LAYERS} hidden layers in flow and compare",
            max(len(c.flow), len(c.compare)),
        ),
        (c.detail is None or c.refine > 0, "refine if it has detail", c.refine),
    ]


def _all_or_none(values: tuple[object, ...]) -> bool:
    return len({bool(value) for value in values}) == 1


def _check_types(config: Config) -> None:
    """Raise ValueError for the first field whose type is not that of its annotation."""
    for name, kind in get_type_hints(Config).items():
        value = getattr(config, name)
        if not _is_a(value, kind):
            wanted = kind.__name__ if isinstance(kind, type) else str(kind).replace("typing.", "")
            raise ValueError(f"expected a Config whose {name} is {wanted}; got {_shortened(value)}")


def _is_a(value: object, kind: Any) -> bool:
    """Return whether ``value`` has the type ``kind``: int, None, a Literal, tuple or union."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return any(_is_a(value, one) for one in arguments)
    if origin is Literal:
        return isinstance(value, str) and value in arguments
    if origin is not tuple:
        return type(value) is kind  # a bool is an instance of int
    if not isinstance(value, tuple):
        return False
    if arguments[-1] is Ellipsis:
        return all(_is_a(item, arguments[0]) for item in value)
    return len(value) == len(arguments) and all(map(_is_a, value, arguments))


def _tuples(value: object) -> object:
    """Return ``value`` with tuples in place of lists, as JSON has no tuples."""
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def _shortened(value: object) -> str:
    text = repr(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."

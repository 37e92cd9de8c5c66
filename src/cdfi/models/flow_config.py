"""The architecture of the flow network as data."""

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

FAMILY = "flow"
LARGEST = 4096  # of every number, so that a damaged file cannot describe a huge network


@dataclass(frozen=True)
class FlowConfig:
    """The architecture of one flow network; values that follow from these fields are not stored.

    Attributes:
        fine: output widths of the two convolutions at half of a level's size.
        coarse: output widths of the three convolutions at a quarter of a level's size.
        radius: search radius of the cost volume at every level, in its cells.
        width: channels of the motion estimator.
        blocks: residual convolutions of the motion estimator.
        hidden: channels of the estimator's state, which is passed from level to level.
        synthesis: channels of the synthesis at half size.
        low: channels of the synthesis at a quarter of the size.
        low_blocks: residual convolutions of the synthesis at a quarter of the size.
        levels: largest number of levels of the pyramid; small frames have fewer.
    """

    fine: tuple[int, int] = (32, 32)
    coarse: tuple[int, int, int] = (64, 64, 64)
    radius: int = 3
    width: int = 96
    blocks: int = 3
    hidden: int = 32
    synthesis: int = 48
    low: int = 64
    low_blocks: int = 2
    levels: int = 6

    def __post_init__(self) -> None:
        sizes = (self.radius, self.width, self.hidden, self.synthesis, self.low, self.levels)
        positive = all(x >= 1 for x in (*sizes, *self.fine, *self.coarse))
        shaped = len(self.fine) == 2 and len(self.coarse) == 3
        if not (positive and shaped and self.blocks >= 0 and self.low_blocks >= 0):
            raise ValueError(
                "a FlowConfig needs two fine and three coarse widths, sizes of at least 1 and "
                f"block counts of at least 0; got {self.to_json()}"
            )

    @property
    def volume(self) -> int:
        """Channels of the cost volume: (2 * radius + 1)^2."""
        return (2 * self.radius + 1) ** 2

    @property
    def computes_colours(self) -> bool:
        """False: colours are sampled; only a small residual is computed."""
        return False

    def to_json(self) -> str:
        """Return one line of JSON that :meth:`from_json` reads."""
        return json.dumps({"family": FAMILY, **asdict(self)})

    @classmethod
    def from_json(cls, text: str) -> "FlowConfig":
        """Return the FlowConfig that ``text`` describes.

        Raises:
            ValueError: ``text`` is not a JSON object, or has unknown, malformed or impossible
                fields.
        """
        try:
            row = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(
                f"expected a FlowConfig as JSON, got {text[:80]!r}: {error}"
            ) from error
        if not isinstance(row, dict):
            raise ValueError(f"expected a JSON object, got a {type(row).__name__}")
        row.pop("family", None)
        known = [field.name for field in fields(cls)]
        if unknown := sorted(row.keys() - set(known)):
            raise ValueError(f"unknown FlowConfig fields {unknown}: known are {', '.join(known)}")
        return cls(**{name: _checked(name, value) for name, value in row.items()})


def _checked(name: str, value: object) -> Any:
    """Return the value of a field, lists as tuples, after checking its type and size."""
    listed = name in ("fine", "coarse")
    numbers = value if isinstance(value, list) else [value]
    plain = all(isinstance(x, int) and not isinstance(x, bool) for x in numbers)
    if isinstance(value, list) != listed or not plain or max(numbers, default=0) > LARGEST:
        kind = "a list of integers" if listed else "an integer"
        raise ValueError(f"FlowConfig field {name}: expected {kind} up to {LARGEST}, got {value!r}")
    return tuple(numbers) if listed else value


FLOW_NETWORKS = {
    "flow": FlowConfig(),
    "flow-wide": FlowConfig(
        fine=(48, 48),
        coarse=(96, 96, 96),
        width=160,
        blocks=4,
        hidden=48,
        synthesis=96,
        low=128,
    ),
    # The widths that OBProxSG's densities of flow-wide give for an eighth of its operations.
    "flow-fast": FlowConfig(
        fine=(16, 16),
        coarse=(32, 32, 32),
        width=48,
        blocks=4,
        hidden=48,
        synthesis=32,
        low=40,
    ),
}

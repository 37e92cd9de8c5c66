"""Header: the description of an exported file, as JSON in the metadata of its format."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

from cdfi.common.multiples import round_up
from cdfi.models import Architecture, config_from_json

FORMAT = "cdfi-export-1"
KEY = "cdfi"  # of the metadata

Padding = Literal["reflect", "replicate"]


@dataclass(frozen=True)
class Header:
    """The description of an exported file, from which a runtime can run it.

    The inputs are ``frame0`` and ``frame1``, float32 RGB (1, 3, H, W) in [0, 1], padded; networks
    that take the instant also read ``t``, float32 (1, 1, 1, 1). The output ``frame``, (1, 3, H, W),
    is not clamped.

    Attributes:
        name: the model's name or file, as it was given.
        config: the architecture, as JSON.
        digest: of the weights; see :func:`cdfi.weights.digest`.
        takes_time: whether ``t`` is an input; else the frame is at t = 1/2.
        multiple: rows and columns are padded, at the bottom and right, to multiples of this.
        padding: "reflect" (then "replicate" beyond size - 1 pixels), or "replicate".
        size: rows and columns of padded frames; None if any multiples are accepted.
        short_side: smallest and largest short side, before padding, that this file computes as
            the network does; the largest is None if there is no bound.
    """

    name: str
    config: str
    digest: str
    takes_time: bool
    multiple: int
    padding: Padding
    size: tuple[int, int] | None = None
    short_side: tuple[int, int | None] = (1, None)

    @property
    def architecture(self) -> Architecture:
        """The Config."""
        return config_from_json(self.config)

    @property
    def fingerprint(self) -> str:
        """Digest and Config: equal if the frames are."""
        return f"{self.digest} {self.config}"

    def padded(self, height: int, width: int) -> tuple[int, int]:
        """Return rows and columns after padding.

        Raises:
            ValueError: the file does not compute frames of this size.
        """
        low, high = self.short_side
        short = min(height, width)
        rounded = round_up(height, self.multiple), round_up(width, self.multiple)
        if self.size is not None and rounded != self.size:
            raise ValueError(
                f"the exported file is for frames of {self.size[1]} x {self.size[0]}, not "
                f"{width} x {height}: export the model with --size {width}x{height}"
            )
        if short < low or (high is not None and short > high):
            span = f"{low} or more" if high is None else f"{low} to {high}"
            raise ValueError(
                f"the exported file is for frames with a short side of {span} pixels, not "
                f"{width} x {height}: export the model with --size {width}x{height}"
            )
        return rounded

    def to_json(self) -> str:
        """Return one line of JSON that :meth:`from_json` reads."""
        return json.dumps({"format": FORMAT, **asdict(self)})

    @classmethod
    def from_json(cls, text: str) -> "Header":
        """Return the header that ``text`` describes.

        Raises:
            ValueError: ``text`` is not a header, or of another format.
        """
        try:
            row = json.loads(text)
            if row.pop("format") != FORMAT:
                raise ValueError(f"the format is not {FORMAT}")
            header = cls(**{name: _tuple(value) for name, value in row.items()})
            header._check()
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"not written by cdfi export ({error})") from error
        return header

    def _check(self) -> None:
        """Raise ValueError for a field of the wrong type."""
        sizes = [*(self.size or ()), *(x for x in self.short_side if x is not None), self.multiple]
        if not all(isinstance(x, int) and x > 0 for x in sizes) or len(self.short_side) != 2:
            raise ValueError(f"impossible sizes {sizes}")
        if self.padding not in ("reflect", "replicate"):
            raise ValueError(f"unknown padding {self.padding!r}")
        config_from_json(self.config)


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value

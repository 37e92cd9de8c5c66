"""How a method is built, so that another process or machine can build it too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cdfi.evaluation.methods.method import Method, baseline_method, folder_method, network_method
from cdfi.interpolation import Interpolator
from cdfi.interpolation.precision import Precision

Kind = Literal["network", "baseline", "folder"]


@dataclass(frozen=True)
class MethodRecipe:
    """A network, a baseline or a folder of predictions.

    Attributes:
        kind: which of them.
        given: name or file of the model, name of the baseline, or path of the folder.
        name: in tables.
        device: that a network runs on; None means the best one present.
        precision: of a network.
    """

    kind: Kind
    given: str
    name: str
    device: str | None = None
    precision: Precision = "fp32"

    def build(self) -> Method:
        """Return the method.

        Raises:
            OSError, ValueError: there is no such model, baseline or folder.
        """
        kinds: dict[Kind, Callable[[], Method]] = {
            "network": self._network,
            "baseline": lambda: baseline_method(self.given),
            "folder": lambda: folder_method(Path(self.given), self.name),
        }
        return kinds[self.kind]()

    def _network(self) -> Method:
        interpolator = Interpolator(self.given, self.device, precision=self.precision)
        return network_method(self.name, interpolator)

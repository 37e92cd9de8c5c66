"""What a user can choose when a network is pruned and compressed.

The text under a field is its help on the command line.
"""

from dataclasses import dataclass
from typing import Literal

from cdfi.training.args import TrainArgs
from cdfi.training.bounds import Bound, check_bounds

Rule = Literal["min", "max", "mean"]

#: The published settings of the pruning run (CDFI, extended example), with a loss that needs no
#: download.
PUBLISHED = TrainArgs(
    weights="default",
    loss="1*Charb",
    optimizer="OBProxSG",
    lr=1e-2,
    schedule="constant",
    epochs=30,
    run="prune",
)


_PRUNING = {
    "lambda_": Bound(0, 1e6, "it weighs the l1 penalty"),
    "prox_epochs": Bound(0, float("inf"), "inf takes proximal steps only"),
    "eps": Bound(0, 1e6, "it is the size of a weight"),
    "stop_density": Bound(0, 1 - 1e-9, "it is a fraction of the weights; 0 does not stop"),
    "samples": Bound(0, 10**12, "0 uses all samples"),
}
_NO_BUDGET = "0 sets no such budget"
_COMPRESSION = {
    "ratio": Bound(0, 1e9, _NO_BUDGET),
    "params": Bound(0, 10**15, _NO_BUDGET),
    "flops": Bound(0, 10**21, _NO_BUDGET),
    "round_to": Bound(1, 4_096, "1 does not round"),
    "distill_output": Bound(0, 1e6, "0 leaves the loss out"),
    "distill_maps": Bound(0, 1e6, "0 leaves the loss out"),
}


@dataclass(frozen=True)
class Pruning:
    """How a network is made sparse.

    Raises:
        ValueError: a value outside its bounds.
    """

    lambda_: float = 1e-4
    """Weight of the l1 penalty on the weights of layers; biases have none."""

    prox_epochs: float = 10
    """Epochs of proximal steps before the orthant steps."""

    eps: float = 1e-4
    """An orthant step sets weights to zero if their size is at most this."""

    stop_density: float = 0.0
    """Stop at this density of all layers; 0 continues to the last epoch."""

    samples: int = 0
    """Prune on this many samples over and over; 0 uses all."""

    def __post_init__(self) -> None:
        check_bounds(vars(self), _PRUNING)


#: The published settings of the optimizer: 1,000 triplets.
PUBLISHED_PRUNING = Pruning(samples=1000)


@dataclass(frozen=True)
class Compression:
    """How small a network becomes, and how it is retrained and reported.

    Without a budget the densities are taken as they are.

    Raises:
        ValueError: a value outside its bounds, or a ratio together with other budgets.
    """

    ratio: float = 0.0
    """Target compression ratio: 2 halves the parameters; 0 for none."""

    params: int = 0
    """Largest number of parameters, such as 2.45M."""

    flops: int = 0
    """Largest number of operations of a 720p frame, such as 200G."""

    rule: Rule = "min"
    """How layers that share a width agree if their densities differ."""

    round_to: int = 1
    """Round widths up to a multiple of this, such as 8 or 16."""

    distill_output: float = 0.0
    """Weight of the loss to the output of the original network; 0 for none."""

    distill_maps: float = 0.0
    """Weight of the loss to the offsets and masks (flow networks: the flows) of the original
    network; 0 for none."""

    datasets: tuple[str, ...] = ()
    """Data set to score in the report (a name or a folder), repeatable."""

    size: tuple[int, int] = (640, 480)
    """Width and height at which time and memory are measured."""

    def __post_init__(self) -> None:
        check_bounds(vars(self), _COMPRESSION)
        if self.ratio and (self.params or self.flops):
            raise ValueError("give a ratio or amounts (params, flops), not both")

"""How small a network shall become: parameters, operations, or a fraction of what it is."""

from collections.abc import Callable
from typing import NamedTuple

#: Halvings of the interval the factor lies in: enough to tell apart any two widths.
HALVINGS = 40


class Budget(NamedTuple):
    """At most this many ``parameters``, or ``flops`` in a run on the example."""

    parameters: int | None = None
    flops: int | None = None


class Size(NamedTuple):
    """What a network costs: ``flops`` are 2 for each multiply-add of its layers."""

    parameters: int
    flops: int


def ratio(times: float, whole: Size) -> Budget:
    """The budget of a network ``times`` smaller than ``whole``.

    Raises:
        ValueError: ``times`` is under 1.
    """
    if not times >= 1:
        raise ValueError(f"a compression ratio is at least 1, got {times}")
    return Budget(parameters=int(whole.parameters / times))


def fit(budget: Budget, size_at: Callable[[float], Size], most: float) -> float:
    """The largest factor, up to ``most``, at which a network is within the budget.

    Args:
        budget: what it may cost.
        size_at: what it costs with all densities scaled by a factor; grows with it.
        most: the factor that leaves everything as it is.

    Raises:
        ValueError: the budget asks for less than the smallest network, or for nothing at all.
    """
    if within(budget, size_at(most)):
        return most
    least = size_at(0.0)
    if not within(budget, least):
        raise ValueError(
            f"no network of this topology is within {_words(budget)}: with every width at its "
            f"least it still has {least.parameters:,} parameters and {least.flops:,} operations"
        )
    low, high = 0.0, most
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if within(budget, size_at(middle)) else (low, middle)
    return low


def within(budget: Budget, size: Size) -> bool:
    """Whether a network of this size keeps to the budget."""
    return (budget.parameters is None or size.parameters <= budget.parameters) and (
        budget.flops is None or size.flops <= budget.flops
    )


def _words(budget: Budget) -> str:
    limits = {"parameters": budget.parameters, "operations": budget.flops}
    return " and ".join(f"{limit:,} {name}" for name, limit in limits.items() if limit is not None)

"""Budgets: a largest number of parameters or operations, or a ratio to the original network."""

from collections.abc import Callable
from typing import NamedTuple

#: Bisection steps for the factor: enough to distinguish any two widths.
BISECTIONS = 40


class Budget(NamedTuple):
    """At most this many ``parameters``, or ``flops`` in a run on the example."""

    parameters: int | None = None
    flops: int | None = None


class Size(NamedTuple):
    """The cost of a network; ``flops`` are 2 for each multiply-add of its layers."""

    parameters: int
    flops: int


def ratio(times: float, original: Size) -> Budget:
    """Return the budget of a network with ``times`` fewer parameters than ``original``.

    Raises:
        ValueError: ``times`` is below 1.
    """
    if not 1 <= times < float("inf"):
        raise ValueError(f"a compression ratio is at least 1 and finite, got {times}")
    return Budget(parameters=int(original.parameters / times))


def scale_to_budget(budget: Budget, size_at: Callable[[float], Size], most: float) -> float:
    """Return the largest factor, up to ``most``, at which a network is within the budget.

    Args:
        budget: the limits.
        size_at: the cost with all densities scaled by a factor; grows with the factor.
        most: the factor at which nothing shrinks.

    Raises:
        ValueError: the budget is below the smallest network.
    """
    if within(budget, size_at(most)):
        return most
    least = size_at(0.0)
    if not within(budget, least):
        raise ValueError(
            f"no network of this topology is within {_words(budget)}: with every width at 1 it "
            f"still has {least.parameters:,} parameters and {least.flops:,} operations"
        )
    low, high = 0.0, most
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if within(budget, size_at(middle)) else (low, middle)
    return low


def within(budget: Budget, size: Size) -> bool:
    """Return whether a network of this size is within the budget."""
    return (budget.parameters is None or size.parameters <= budget.parameters) and (
        budget.flops is None or size.flops <= budget.flops
    )


def _words(budget: Budget) -> str:
    limits = {"parameters": budget.parameters, "operations": budget.flops}
    return " and ".join(f"{limit:,} {name}" for name, limit in limits.items() if limit is not None)

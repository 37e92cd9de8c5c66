"""Budgets: limits of parameters, operations, time and memory, or a ratio to the original."""

from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeVar

#: Bisection steps for the factor: enough to distinguish any two widths.
BISECTIONS = 40
#: Networks that are built and measured for a budget of time or memory.
MEASURED = 8


class Budget(NamedTuple):
    """Limits of a network in a run on the example; None stands for no limit.

    Attributes:
        parameters: the number of parameters.
        flops: operations, 2 for each multiply-add.
        milliseconds: the measured time of a run on this device.
        memory: the bytes of all tensors, parameters included, at the worst moment of a run.
    """

    parameters: int | None = None
    flops: int | None = None
    milliseconds: float | None = None
    memory: int | None = None


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


class Measured(Protocol):
    """A network that was built and measured."""

    @property
    def milliseconds(self) -> float | None:
        """The time of a run, or None if it was not measured."""

    @property
    def memory(self) -> int | None:
        """The bytes of its tensors in a run, or None if they were not counted."""


_M = TypeVar("_M", bound=Measured)


def within_measured(budget: Budget, build: Callable[[float], _M], most: float) -> _M:
    """Return the network of the largest factor, up to ``most``, that meets the measured limits.

    Widths grow as the square root of the factor, so the search halves an interval of the root. The
    time of a run is only about monotonic: the result met its limit when it was measured.

    Raises:
        ValueError: the smallest network does not meet them.
    """
    best = build(most)
    if _meets(budget, best):
        return best
    best = build(0.0)
    if not _meets(budget, best):
        raise ValueError(
            f"no network of this topology is within {_words(budget)}: with every width at 1 it "
            f"still takes {_found(best)}"
        )
    low, high = 0.0, most**0.5
    for _ in range(MEASURED):
        middle = (low + high) / 2
        tried = build(middle**2)
        if _meets(budget, tried):
            low, best = middle, tried
        else:
            high = middle
    return best


def _meets(budget: Budget, found: Measured) -> bool:
    pairs = (found.milliseconds, budget.milliseconds), (found.memory, budget.memory)
    return all(value is None or limit is None or value <= limit for value, limit in pairs)


def _found(network: Measured) -> str:
    values = {"ms": network.milliseconds, "bytes": network.memory}
    return " and ".join(
        f"{value:,.4g} {unit}" if unit == "ms" else f"{value:,} {unit}"
        for unit, value in values.items()
        if value is not None
    )


def _words(budget: Budget) -> str:
    limits = {
        "parameters": budget.parameters,
        "operations": budget.flops,
        "ms": budget.milliseconds,
        "bytes of memory": budget.memory,
    }
    return " and ".join(f"{limit:,} {name}" for name, limit in limits.items() if limit is not None)

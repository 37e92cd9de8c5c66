"""Schedules of iterative pruning: how much is left after each of several steps."""

from collections.abc import Callable

#: What is left after the part ``t`` in (0, 1] of all steps. cubic: Zhu and Gupta, "To prune, or not
#: to prune", 2017 (arXiv:1710.01878), equation 1.
CURVES: dict[str, Callable[[float, float], float]] = {
    "geometric": lambda final, t: final**t,
    "linear": lambda final, t: 1 - (1 - final) * t,
    "cubic": lambda final, t: final + (1 - final) * (1 - t) ** 3,
}


def pruning_steps(final: float, steps: int, curve: str = "geometric") -> list[float]:
    """Return the fraction of the original that is left after each step; the last is ``final``.

    Args:
        final: the fraction after all steps, in (0, 1].
        steps: their number, >= 1.
        curve: a row of :data:`CURVES`: "geometric" removes the same fraction in every step,
            "linear" the same amount, "cubic" most in the first steps.

    Raises:
        ValueError: an argument outside these ranges.
    """
    if curve not in CURVES:
        raise ValueError(f"the curve is one of {', '.join(CURVES)}, got {curve!r}")
    if not 0 < final <= 1 or steps < 1:
        raise ValueError(
            f"expected a final fraction in (0, 1] and at least one step, got {final} and {steps}"
        )
    return [CURVES[curve](final, (i + 1) / steps) for i in range(steps)]

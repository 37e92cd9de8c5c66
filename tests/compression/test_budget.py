"""Budgets: amounts in words, and the factor that meets them."""

import pytest

from cdfi.common.sizes import amount
from cdfi.compression.budget import Budget, Size, ratio, scale_to_budget


@pytest.mark.parametrize(
    ("text", "number"),
    [("2.45M", 2_450_000), ("850k", 850_000), ("1e3", 1000), ("12G", 12 * 10**9)],
)
def test_amounts_have_suffixes(text: str, number: int) -> None:
    assert amount(text) == number


@pytest.mark.parametrize("text", ["", "M", "many", "-3", "0", "inf", "nan"])
def test_text_that_is_not_an_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected an amount"):
        amount(text)


def test_a_ratio_divides_the_parameters() -> None:
    assert ratio(10, Size(2000, 5)) == Budget(parameters=200)
    with pytest.raises(ValueError, match="at least 1"):
        ratio(0.5, Size(2000, 5))


def test_the_factor_is_the_largest_that_fits() -> None:
    def size_at(factor: float) -> Size:
        return Size(100 + int(1000 * factor), 10)

    assert scale_to_budget(Budget(parameters=600), size_at, 1.0) == pytest.approx(0.501, abs=1e-6)
    assert scale_to_budget(Budget(parameters=9999), size_at, 1.0) == 1.0
    with pytest.raises(ValueError, match="no network of this topology is within 99 parameters"):
        scale_to_budget(Budget(parameters=99), size_at, 1.0)
    with pytest.raises(ValueError, match="9 operations"):
        scale_to_budget(Budget(flops=9), size_at, 1.0)

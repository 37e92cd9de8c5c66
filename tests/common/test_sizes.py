"""Numbers with a unit suffix."""

import pytest

from cdfi.common.sizes import amount, byte_count, frame_size


def test_suffixes_are_read() -> None:
    assert (amount("2.45M"), amount("850k")) == (2_450_000, 850_000)
    assert (byte_count("4GB"), byte_count("512 MiB"), byte_count("7")) == (4 * 10**9, 2**29, 7)


HUGE = ("1e999999999", "9" * 400, "9" * 5000, "9" * 400 + "T")


@pytest.mark.parametrize("parse", [amount, byte_count, frame_size])
@pytest.mark.parametrize(
    "text", ["1e999999999", "9" * 400, "9" * 5000, "9" * 400 + "T", "0", ""], ids=len
)
def test_huge_numbers_are_refused_in_one_short_line(parse, text) -> None:
    with pytest.raises(ValueError, match="expected") as caught:
        parse(text)
    assert len(str(caught.value)) < 140

"""Numbers with a unit suffix."""

from cdfi.common.sizes import amount, byte_count


def test_suffixes_are_read() -> None:
    assert (amount("2.45M"), amount("850k")) == (2_450_000, 850_000)
    assert (byte_count("4GB"), byte_count("512 MiB"), byte_count("7")) == (4 * 10**9, 2**29, 7)

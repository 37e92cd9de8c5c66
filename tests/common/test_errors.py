"""The texts of errors."""

import pytest

from cdfi.common.errors import first_line


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("one\ntwo"), "one"),
        (RuntimeError("\n  late\n"), "late"),
        (RuntimeError(), "RuntimeError"),
        (KeyError("a"), "'a'"),
    ],
)
def test_the_first_line_of_a_message_or_the_class(error: Exception, line: str) -> None:
    assert first_line(error) == line

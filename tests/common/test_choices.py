"""Unknown names in error messages."""

from cdfi.common.choices import did_you_mean, unknown_name


def test_close_names_are_suggested_whatever_their_case() -> None:
    assert did_you_mean("CHARBB", ["Charb", "L1"]) == "; did you mean Charb?"
    assert did_you_mean("xyz", ["Charb", "L1"]) == ""


def test_an_unknown_name_lists_the_known_names() -> None:
    assert str(unknown_name("loss", "xyz", ["Charb", "L1"])) == (
        "unknown loss 'xyz'; known are Charb, L1"
    )

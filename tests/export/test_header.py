"""The header of an exported file: what it refuses, and which frames it takes."""

import json
from dataclasses import replace

import pytest

from cdfi.export import Header
from tests.export.exported import TINY_FLOW

HEADER = Header("tiny", TINY_FLOW.to_json(), "0" * 64, True, 8, "replicate", None, (64, 127))


def test_a_header_survives_json() -> None:
    for header in (HEADER, replace(HEADER, size=(64, 96), short_side=(1, None))):
        assert Header.from_json(header.to_json()) == header


def test_the_architecture_is_read_from_the_header() -> None:
    assert HEADER.architecture == TINY_FLOW


@pytest.mark.parametrize(
    "damaged",
    [
        "",
        "[]",
        "{}",
        json.dumps({"format": "other"}),
        json.dumps({**json.loads(HEADER.to_json()), "multiple": 0}),
        json.dumps({**json.loads(HEADER.to_json()), "multiple": "8"}),
        json.dumps({**json.loads(HEADER.to_json()), "padding": "zeros"}),
        json.dumps({**json.loads(HEADER.to_json()), "config": "{}"}),
        json.dumps({**json.loads(HEADER.to_json()), "short_side": 3}),
        json.dumps({**json.loads(HEADER.to_json()), "more": 1}),
    ],
)
def test_what_is_not_a_header_is_refused(damaged: str) -> None:
    with pytest.raises(ValueError, match="not written by cdfi export"):
        Header.from_json(damaged)


def test_frames_are_padded_to_the_multiple() -> None:
    assert HEADER.padded(65, 96) == (72, 96)


@pytest.mark.parametrize("size", [(63, 200), (128, 128)])
def test_a_short_side_out_of_range_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="short side of 64 to 127 pixels"):
        HEADER.padded(*size)

"""Config: JSON and repr, and what is refused with which message."""

import json
from dataclasses import replace
from typing import Any

import pytest

from cdfi.models import NETWORKS, Config
from tests.tiny import TINY, TINY_REFINED, TINY_SYNTHESIS

ALL = {**NETWORKS, "tiny": TINY, "released": NETWORKS["cdfi"].as_released()}


@pytest.mark.parametrize("name", ALL)
def test_a_config_survives_json(name: str) -> None:
    assert Config.from_json(ALL[name].to_json()) == ALL[name]


@pytest.mark.parametrize("name", ALL)
def test_the_repr_is_the_call_that_makes_the_config(name: str) -> None:
    assert eval(repr(ALL[name]), {"Config": Config}) == ALL[name]


def test_the_repr_leaves_out_default_values() -> None:
    assert "rounding" not in repr(TINY)
    assert "rounding='trunc'" in repr(TINY.as_released())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[1]", "not a list"),
        ('{"kernle": 5}', "unknown Config fields"),
        ('{"kernel": 5}', "incomplete: it has no alpha0"),
        ("[" * 200_000, "nested too deeply"),
        ('{"encoder": ' + "[" * 200_000 + "]" * 200_000 + "}", "nested too deeply"),
        ('{"kernel": ' + "9" * 5000 + "}", "not JSON"),
    ],
)
def test_text_that_describes_no_config_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Config.from_json(text)


@pytest.mark.parametrize(
    ("config", "changes", "message"),
    [
        (TINY, {"kernel": 0}, "a kernel of 1 to 51; got 0"),
        (TINY, {"kernel": 10**6}, "a kernel of 1 to 51; got 1000000"),
        (TINY, {"dilation": 0}, "a dilation of 1 to 64; got 0"),
        (TINY, {"kernel": 4, "dilation": 1}, "the taps have a middle"),
        (TINY, {"encoder": TINY.encoder[:4]}, "5 encoder stages; got 4"),
        (TINY, {"weight0": (1, 2, 100_000)}, r"widths of 1 to 16384; got \[100000\]"),
        (TINY, {"matching": (3,)}, "a radius and a width per cost volume"),
        (TINY, {"matching": (10**9,), "describe": (3,)}, "search radii of 1 to 32"),
        (TINY, {"detail": (3, 2, 4)}, "refine if it has detail"),
        (TINY, {"grid": (1, 2, 3)}, "pyramid, grid and blend together"),
        (TINY, {"refine": 2}, "refine, flow and compare together"),
        (TINY_REFINED, {"flow": (1,) * 17}, "at most 16 hidden layers"),
        (TINY_SYNTHESIS, {"grid": (3, 4, 0)}, r"widths of 1 to 16384; got \[0\]"),
        (TINY_SYNTHESIS, {"projection_padding": 2}, "a projection padding of 0 or 1"),
    ],
)
def test_impossible_values_are_refused(
    config: Config, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        replace(config, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"kernel": True},
        {"kernel": 3.0},
        {"kernel": None},
        {"rounding": "round"},
        {"rounding": [1]},
        {"encoder": {}},
        {"encoder": [[1, 2]] * 5},
        {"blend": "wide"},
        {"matching": 3},
    ],
)
def test_values_of_the_wrong_type_name_the_field(changes: dict[str, Any]) -> None:
    (name,) = changes
    with pytest.raises(ValueError, match=f"a Config whose {name} is "):
        Config.from_json(json.dumps(json.loads(TINY.to_json()) | changes))

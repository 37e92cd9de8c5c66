"""Options of commands are made from dataclasses."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pytest
import typer
from typer.testing import CliRunner

from cdfi.cli.field_options import FieldOptions, Values, field_docs, field_options


@dataclass(frozen=True)
class Base:
    size: int
    """Width of the [first] layer,
    in ``channels``."""

    lambda_: float = 0.5
    """Weight of the penalty."""


@dataclass(frozen=True)
class Cooking(Base):
    heat: Literal["low", "high"] = "low"
    """How hot."""

    names: tuple[str, ...] = ()
    """Ingredients."""

    salted: bool = True
    """Add salt."""

    dry_run: bool = False
    """Do nothing."""

    weight: int = 0
    """Grams, such as 2K."""

    spices: Mapping[str, str] = field(default_factory=dict)
    """KEY=VALUE, repeatable."""

    undocumented: int = 0


ALL = "size lambda_ heat names salted dry_run weight"


def thousands(text: str) -> int:
    if not text.endswith("K"):
        raise ValueError(f"expected an amount such as 2K, got {text!r}")
    return int(text[:-1]) * 1000


@pytest.fixture
def run() -> Callable[..., tuple[int, Values, str]]:
    def run(group: FieldOptions, *words: str) -> tuple[int, Values, str]:
        seen: Values = {}

        @field_options(values=group)
        def command(values: Values, loud: Annotated[bool, typer.Option("--loud")] = False) -> None:
            seen.update(values, loud=loud)

        app = typer.Typer()
        app.command()(command)
        result = CliRunner().invoke(app, list(words), env={"COLUMNS": "200", "NO_COLOR": "1"})
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, seen, result.output

    return run


def test_field_docs_cover_base_classes_and_join_lines() -> None:
    docs = field_docs(Cooking)
    assert docs["size"] == "Width of the [first] layer, in channels."
    assert docs["heat"] == "How hot."
    assert "undocumented" not in docs


def test_a_field_without_a_docstring_cannot_be_an_option() -> None:
    with pytest.raises(TypeError, match="undocumented of Cooking has no docstring"):

        @field_options(values=FieldOptions(Cooking, "undocumented"))
        def command(values: Values) -> None: ...


def test_defaults_are_those_of_the_dataclass(run: Any) -> None:
    status, values, _ = run(FieldOptions(Cooking, ALL, parse={"weight": thousands}), "--size", "3")
    assert status == 0
    assert Cooking(**{k: v for k, v in values.items() if k != "loud"}) == Cooking(3)


def test_values_arrive_in_the_types_of_the_fields(run: Any) -> None:
    words = "--size 3 --lambda 1e-3 --heat high --names a --names b --no-salted --dry-run --loud"
    group = FieldOptions(Cooking, ALL, parse={"weight": thousands})
    _, values, _ = run(group, *words.split(), "--weight", "2K")
    assert values.pop("loud") is True
    assert Cooking(**values) == Cooking(3, 1e-3, "high", ("a", "b"), False, True, 2000)


def test_defaults_can_come_from_an_instance(run: Any) -> None:
    base = Cooking(7, heat="high", names=("x", "y"))
    _, values, _ = run(FieldOptions(Cooking, "size heat names", base=base))
    assert values == {"size": 7, "heat": "high", "names": ("x", "y"), "loud": False}


def test_optional_fields_are_left_out_unless_given(run: Any) -> None:
    group = FieldOptions(Cooking, "size heat dry_run names", optional=True)
    assert run(group)[1] == {"loud": False}
    assert run(group, "--dry-run", "--names", "a")[1] == {
        "dry_run": True,
        "names": ("a",),
        "loud": False,
    }


def test_an_option_can_have_another_name(run: Any) -> None:
    group = FieldOptions(Cooking, "size", declared={"size": "--first-size"})
    assert run(group, "--first-size", "2")[1]["size"] == 2


def test_help_shows_docstrings_choices_and_defaults(run: Any) -> None:
    status, _, output = run(FieldOptions(Cooking, "size heat lambda_"), "--help")
    assert status == 0
    assert "Width of the [first] layer, in channels." in output
    assert "low|high" in output
    assert "--lambda" in output
    assert "0.5" in output


def test_a_missing_required_option_is_a_usage_error(run: Any) -> None:
    assert run(FieldOptions(Cooking, "size"))[0] == 2
    assert run(FieldOptions(Cooking, "names", required="names"))[0] == 2


def test_a_value_that_cannot_be_parsed_names_its_option(run: Any) -> None:
    group = FieldOptions(Cooking, "weight", parse={"weight": thousands})
    with pytest.raises(ValueError, match=r"--weight: expected an amount such as 2K, got 'much'"):
        run(group, "--weight", "much")


def test_a_mapping_is_a_repeatable_option_that_need_not_be_given(run: Any) -> None:
    def pairs(words: list[str]) -> dict[str, str]:
        return dict(word.split("=") for word in words)

    group = FieldOptions(Cooking, "spices", declared={"spices": "-s"}, parse={"spices": pairs})
    assert run(group)[1] == {"loud": False}
    assert run(group, "-s", "a=1", "-s", "b=2")[1]["spices"] == {"a": "1", "b": "2"}

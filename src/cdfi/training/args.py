"""The arguments of a training run, as one object that is kept as JSON in the run's folder."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from cdfi.common.choices import did_you_mean
from cdfi.training.arg_groups import DataArgs, LossArgs, NetworkArgs, OptimArgs, RecordArgs
from cdfi.training.bounds import BOUNDS, check_bounds, check_type, describe_type

#: Values of arguments in files of version 0.1.0 that are spelt differently now.
RENAMED_VALUES = {"precision": {"float32": "fp32"}}


@dataclass(frozen=True)
class TrainArgs(RecordArgs, OptimArgs, LossArgs, DataArgs, NetworkArgs):
    """Every choice of a run. The defaults are the published recipe (AdaCoF, CVPR 2020).

    A function that needs a part of them takes one of the base classes.

    Raises:
        ValueError: a value of another type, or outside its bounds.
    """

    def __post_init__(self) -> None:
        values = vars(self)
        for name, hint in argument_types().items():
            check_type(name, values[name], hint)
        check_bounds(values, BOUNDS)
        if self.fresh and not self.overlap:
            raise ValueError(f"fresh must be given with overlap=true, got {self.fresh} alone")
        if not (self.steps or self.epochs):
            raise ValueError("steps must be above 0 if epochs is 0")
        if not self.decay_epochs or min(self.decay_epochs) < 1:
            raise ValueError(f"decay_epochs must be 1 or more each, got {self.decay_epochs}")
        if Path(self.run).is_absolute() or ".." in Path(self.run).parts or not self.run.strip():
            raise ValueError(f"run must be the name of a folder inside out, got {self.run!r}")

    def to_json(self) -> str:
        """Return readable JSON that ``from_json`` accepts."""
        return json.dumps(asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: str) -> "TrainArgs":
        """Return the arguments that ``text`` describes; names that are missing have the defaults.

        Raises:
            ValueError: not a JSON object, unknown names, or impossible values.
        """
        try:
            row = json.loads(text)
        except (json.JSONDecodeError, RecursionError) as error:
            raise ValueError(f"training arguments must be a JSON object: {error}") from error
        if not isinstance(row, dict):
            raise ValueError("training arguments must be a JSON object of names and values")
        return changed(cls(), {name: _from_json(name, value) for name, value in row.items()})


def read_args(path: Path) -> TrainArgs:
    """Return the arguments in a run's ``args.json``.

    Raises:
        ValueError: the file does not hold them; the message names it.
        OSError: it cannot be read.
    """
    try:
        return TrainArgs.from_json(path.read_text(encoding="utf-8"))
    except ValueError as error:  # text that is not UTF-8 as well
        raise ValueError(f"{path}: {error}") from error


def argument_types() -> dict[str, Any]:
    """Return the type of each argument by its name."""
    return get_type_hints(TrainArgs)


def changed(base: TrainArgs, values: Mapping[str, Any], settings: Sequence[str] = ()) -> TrainArgs:
    """Return ``base`` with other values, and with settings given as text.

    Args:
        base: the arguments that stay as they are.
        values: by name.
        settings: ``NAME=VALUE``; several values of one name are separated by commas.

    Raises:
        ValueError: an unknown name, text that is not such a value, or an impossible value.
    """
    values = {**values, **dict(_parsed(text) for text in settings)}
    if unknown := set(values) - set(argument_types()):
        raise ValueError(f"unknown training arguments {sorted(unknown)}; --set help lists them")
    return replace(base, **values)


def _from_json(name: str, value: Any) -> Any:
    """Return a value as it was before JSON, in today's spelling."""
    if isinstance(value, list):
        return tuple(value)
    old = RENAMED_VALUES.get(name, {})
    return old.get(value, value) if isinstance(value, str) else value


def _parsed(text: str) -> tuple[str, Any]:
    """Return the name and value of ``NAME=VALUE``, the value in the type of the argument."""
    name, equals, value = text.partition("=")
    name = name.strip().replace("-", "_")
    known = argument_types()
    if not equals or name not in known:
        hint = did_you_mean(name, known) or "; --set help lists them"
        raise ValueError(f"expected NAME=VALUE with the name of an argument, got {text!r}{hint}")
    try:
        return name, _read(_from_json(name, value), known[name])
    except ValueError as error:
        raise ValueError(f"{name} cannot be {value!r}: {error}") from error


def _read(text: str, hint: Any) -> Any:
    """Return ``text`` as a value of the type ``hint``."""
    if get_origin(hint) is tuple:
        return tuple(_read(part, get_args(hint)[0]) for part in text.split(",") if part)
    if get_origin(hint) is Literal:
        return text
    if hint is bool:
        if text.lower() not in ("true", "false", "1", "0", "yes", "no"):
            raise ValueError("expected true or false")
        return text.lower() in ("true", "1", "yes")
    try:
        return hint(text)
    except ValueError as error:
        raise ValueError(f"expected {describe_type(hint)}") from error

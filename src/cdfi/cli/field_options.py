"""Command options made from the fields of dataclasses and the docstrings under them."""

import ast
import functools
import inspect
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from rich.markup import escape
from typer import Option

Command = Callable[..., Any]
#: What a command receives for a group of options: the value of each field by its name.
Values = dict[str, Any]


@dataclass(frozen=True)
class FieldOptions:
    """Fields of a dataclass that become options of a command.

    Attributes:
        of: the dataclass; a string under each of its fields is the help of the option.
        names: the fields, separated by spaces, in the order of the help.
        base: an instance whose values are the defaults; None takes those of the dataclass.
        panel: heading of the options in the help.
        required: the fields, separated by spaces, that have no default here.
        optional: leave fields out of the values unless their options are given.
        declared: field name -> option name, if it is not ``--`` and the field name.
        parse: field name -> function that reads the value from text; from several texts for a
            collection, whose option is repeatable.
    """

    of: type
    names: str
    base: object | None = None
    panel: str | None = None
    required: str = ""
    optional: bool = False
    declared: Mapping[str, str] = field(default_factory=dict)
    parse: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)


def field_options(**groups: FieldOptions | Sequence[FieldOptions]) -> Callable[[Command], Command]:
    """Return a decorator that replaces parameters of a command by options.

    Each keyword names a parameter of the command. The command receives a dictionary for it, from
    the names of the fields to their values.
    """
    listed = {name: [g] if isinstance(g, FieldOptions) else [*g] for name, g in groups.items()}

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def run(**given: Any) -> Any:
            for name, parts in listed.items():
                given[name] = {k: v for part in parts for k, v in _collect(part, given).items()}
            return command(**given)

        parameters = _parameters(command, listed)
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {one.name: one.annotation for one in parameters}
        return run

    return decorate


def field_docs(cls: type) -> dict[str, str]:
    """Return the string under each field of a dataclass, base classes included, as one line."""
    docs: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if "__dataclass_fields__" in vars(base):
            docs |= _docs_of(base)
    return docs


@functools.cache
def _docs_of(cls: type) -> dict[str, str]:
    """Return the string under each field that the body of ``cls`` itself defines."""
    definition = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    assert isinstance(definition, ast.ClassDef)
    found = {}
    for node, below in zip(definition.body, definition.body[1:]):
        match node, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=text)):
                found[name] = " ".join(str(text).replace("``", "").split())
    return found


def _parameters(
    command: Command, groups: Mapping[str, Sequence[FieldOptions]]
) -> list[inspect.Parameter]:
    """Return the parameters of ``command``, with options in place of those named in ``groups``."""
    hints = get_type_hints(command, include_extras=True)
    parameters = []
    for parameter in inspect.signature(command).parameters.values():
        if parameter.name in groups:
            parameters += [row for group in groups[parameter.name] for row in _options(group)]
        else:
            parameters.append(parameter.replace(annotation=hints[parameter.name]))
    return [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in parameters]


def _options(group: FieldOptions) -> list[inspect.Parameter]:
    """Return one parameter for each field of a group."""
    known = {one.name: one for one in fields(group.of)}
    hints, docs = get_type_hints(group.of), field_docs(group.of)
    names = group.names.split()
    for name in names:
        if name not in docs:
            raise TypeError(f"field {name} of {group.of.__name__} has no docstring under it")
    return [_option(group, known[name], hints[name], docs[name]) for name in names]


def _option(group: FieldOptions, row: Field[Any], hint: Any, text: str) -> inspect.Parameter:
    """Return the parameter of one field, annotated as Typer expects it."""
    default = _default(group, row)
    if row.name in group.parse:
        kind: Any = list[str] if get_origin(hint) in (tuple, Mapping) else str
    else:
        kind = _option_type(hint)
    if kind is not bool and (default is None or row.name in group.parse):
        kind = kind | None
    name = _option_name(group, row.name)
    if kind is bool and default:
        name = f"{name}/--no-{name[2:]}"
    info = Option(name, help=escape(text), rich_help_panel=group.panel)
    return inspect.Parameter(
        _key(group, row.name),
        inspect.Parameter.KEYWORD_ONLY,
        annotation=Annotated[kind, info],
        default=default,
    )


def _default(group: FieldOptions, row: Field[Any]) -> Any:
    """Return the default of an option; ``Parameter.empty`` if it must be given."""
    if group.optional:
        return None
    value = getattr(group.base, row.name) if group.base is not None else row.default
    if value is MISSING and row.default_factory is not MISSING:
        value = row.default_factory()
    if value is MISSING or row.name in group.required.split():
        return inspect.Parameter.empty
    if row.name in group.parse or value in ((), {}):
        return None
    return list(value) if isinstance(value, tuple) else value


def _option_type(hint: Any) -> Any:
    """Return the type of an option: that of the field without None, a list for collections."""
    if get_origin(hint) in (Union, UnionType):
        (hint,) = (part for part in get_args(hint) if part is not NoneType)
    if get_origin(hint) in (tuple, Mapping):
        return list[get_args(hint)[0]]  # type: ignore[misc]
    return hint


def _collect(group: FieldOptions, given: dict[str, Any]) -> Values:
    """Take the values of a group out of ``given``, as the dataclass expects them."""
    values = {}
    for name in group.names.split():
        value = given.pop(_key(group, name))
        if value is None:  # not given: the default of the dataclass, or of the base, applies
            continue
        if name in group.parse:
            try:
                value = group.parse[name](value)
            except ValueError as error:
                raise ValueError(f"{_option_name(group, name)}: {error}") from error
        values[name] = tuple(value) if isinstance(value, list) else value
    return values


def _option_name(group: FieldOptions, name: str) -> str:
    return group.declared.get(name) or f"--{name.strip('_').replace('_', '-')}"


def _key(group: FieldOptions, name: str) -> str:
    """Return the name of the parameter of an option: unique in a command, as its option is."""
    return _option_name(group, name).split("/")[0].lstrip("-").replace("-", "_") + "_"

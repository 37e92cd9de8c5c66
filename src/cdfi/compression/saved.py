"""Save a derived module to a file, and load it into its class, without pickling code."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from cdfi.common.files import atomic_write
from cdfi.compression.shrink import set_tensor, update_widths, whole_numbers

#: Keys of the metadata that hold, as JSON, the shapes of all tensors and the integers that the
#: modules of the user's own classes have as attributes.
SHAPES = "cdfi.compression.shapes"
NUMBERS = "cdfi.compression.numbers"


def save(module: nn.Module, path: str | Path) -> None:
    """Write the tensors of a module to a safetensors file, with their shapes in the metadata.

    Raises:
        OSError: the file cannot be written.
    """
    state = {name: value.detach().cpu().contiguous().clone() for name, value in _named(module)}
    shapes = json.dumps({name: list(value.shape) for name, value in state.items()})
    numbers = {path: found for path, m in module.named_modules() if (found := whole_numbers(m))}
    with atomic_write(Path(path)) as beside:
        save_file(state, beside, {SHAPES: shapes, NUMBERS: json.dumps(numbers)})


def load(model: nn.Module | Callable[[], nn.Module], path: str | Path) -> nn.Module:
    """Return a copy of ``model`` with the tensors, and therefore the widths, in a file.

    Args:
        model: the module before it was derived, or a function that builds it, such as its class.
        path: a file that :func:`save` wrote.

    Raises:
        ValueError: the file is damaged, or of another module; the message names it.
        OSError: it cannot be read.
    """
    module = copy.deepcopy(model) if isinstance(model, nn.Module) else model()
    state, numbers = _read(Path(path))
    own = dict(_named(module))
    if missing := sorted(set(own) ^ set(state)):
        raise ValueError(f"{path} is of another module: {missing[0]!r} is in one of them only")
    for name, value in state.items():
        larger = any(a > b for a, b in zip(value.shape, own[name].shape))
        if larger or value.dim() != own[name].dim():
            raise ValueError(
                f"{path} is of another module: {name!r} is {tuple(value.shape)} there and "
                f"{tuple(own[name].shape)} in the module"
            )
        set_tensor(module, name, value.to(own[name].device))
    for part in module.modules():
        update_widths(part)
    for name, part in module.named_modules():
        for attribute, number in whole_numbers(part).items():
            saved = numbers.get(name, {}).get(attribute, number)
            if isinstance(number, (tuple, list)) and isinstance(saved, list):
                setattr(part, attribute, type(number)(saved))
            elif isinstance(number, int) and isinstance(saved, int):
                setattr(part, attribute, saved)
    return module


def _named(module: nn.Module) -> list[tuple[str, Tensor]]:
    """Return the parameters and buffers of a module by name."""
    return [*module.named_parameters(), *module.named_buffers()]


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, dict[str, Any]]]:
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            if SHAPES not in metadata:
                raise ValueError(f"{path} was not written by cdfi.compression.save")
            state = {name: torch.clone(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"{path} is not a safetensors file, or it is damaged: {error}") from error
    return state, _numbers(path, metadata.get(NUMBERS, "{}"))


def _numbers(path: Path, text: str) -> dict[str, dict[str, Any]]:
    """Return the attributes of modules by path and name, from the metadata."""
    try:
        found: dict[str, dict[str, Any]] = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged: {NUMBERS} in its metadata is not JSON") from error
    if not isinstance(found, dict) or not all(isinstance(row, dict) for row in found.values()):
        raise ValueError(f"{path} is damaged: expected objects in {NUMBERS} of its metadata")
    return found

"""Save a derived module to a file, and load it into its class, without pickling code."""

import copy
import json
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from cdfi.common.files import atomic_write
from cdfi.compression.shrink import set_tensor, update_widths

#: Key of the metadata that holds the shapes of all tensors as JSON.
SHAPES = "cdfi.compression.shapes"


def save(module: nn.Module, path: str | Path) -> None:
    """Write the tensors of a module to a safetensors file, with their shapes in the metadata.

    Raises:
        OSError: the file cannot be written.
    """
    state = {name: value.detach().cpu().contiguous().clone() for name, value in _named(module)}
    shapes = json.dumps({name: list(value.shape) for name, value in state.items()})
    with atomic_write(Path(path)) as beside:
        save_file(state, beside, {SHAPES: shapes})


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
    state = _read(Path(path))
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
    return module


def _named(module: nn.Module) -> list[tuple[str, Tensor]]:
    """Return the parameters and buffers of a module by name."""
    return [*module.named_parameters(), *module.named_buffers()]


def _read(path: Path) -> dict[str, Tensor]:
    try:
        with safe_open(path, "pt") as file:
            if SHAPES not in (file.metadata() or {}):
                raise ValueError(f"{path} was not written by cdfi.compression.save")
            return {name: torch.clone(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"{path} is not a safetensors file, or it is damaged: {error}") from error

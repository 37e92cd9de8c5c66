"""Checkpoint files: their layouts, and the checks before anything of their size is built."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from cdfi.common.files import file_sha256
from cdfi.common.torch_file import damaged, load_tensors
from cdfi.models import Architecture, Config, build_network, config_from_json
from cdfi.weights import official

MOST_NAMED = 4  # keys of each kind that an error message lists
_KIND = "a checkpoint"

Shapes = Mapping[str, tuple[int, ...]]


class Checkpoint(NamedTuple):
    """What a file holds: tensors under our names, the architecture, and notes."""

    state: dict[str, Tensor]
    config: Architecture
    info: dict[str, str]


class Identity(NamedTuple):
    """The digest that distinguishes a model file from others, and its architecture."""

    digest: str
    config: Architecture


def read_checkpoint(path: Path) -> Checkpoint:
    """Return what a checkpoint file holds, in any of the known layouts.

    The shapes of the tensors are compared with the architecture before tensors are read or a
    network is built, so that a small file cannot make the process allocate much.

    Raises:
        ValueError: the file is not a checkpoint, is damaged, holds code, or its tensors do not fit
            the architecture. The message names the file.
        OSError: the file cannot be read.
    """
    if is_safetensors(path):
        info, config = _read_header(path)
        state = _read_tensors(path)
        if config is not None:
            _check_digest(path, state, info)
            return Checkpoint(state, config, info)
    else:
        state, info = _read_pickle(path), {}
    if official.is_released(state):
        state = official.rename(state)
    return Checkpoint(state, _inferred(path, state, info), info)


def identify(path: Path) -> Identity:
    """Return the digest and the architecture of a model file; tensors of our files are not read.

    Raises:
        ValueError, OSError: as :func:`read_checkpoint`.
    """
    if is_safetensors(path):
        info, config = _read_header(path)
        if config is not None and "digest" in info:
            return Identity(info["digest"], config)
    return Identity(file_sha256(path), read_checkpoint(path).config)


def is_safetensors(path: Path) -> bool:
    """Return whether a file begins as a safetensors file: a length, then JSON."""
    with path.open("rb") as file:
        return file.read(9)[8:9] == b"{"


def digest(state: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 over names, types, shapes and bytes of tensors."""
    total = hashlib.sha256()
    for key in sorted(state):
        tensor = state[key].detach().cpu().contiguous()
        total.update(f"{key}{tensor.dtype}{tuple(tensor.shape)}".encode())
        total.update(tensor.flatten().view(torch.uint8).numpy().tobytes())
    return total.hexdigest()


def check_fit(expected: Shapes, found: Shapes, name: str) -> None:
    """Raise an error unless two sets of tensors have the same names and shapes.

    Args:
        expected: the network's.
        found: the file's.
        name: of the file.

    Raises:
        ValueError: which tensors are missing, unknown or of another shape.
    """
    shapes = [
        f"{key} {tuple(found[key])} where {tuple(shape)} is expected"
        for key, shape in expected.items()
        if key in found and tuple(found[key]) != tuple(shape)
    ]
    problems = {
        "missing": sorted(expected.keys() - found.keys()),
        "unknown": sorted(found.keys() - expected.keys()),
        "shapes": shapes,
    }
    texts = [f"{label}: {_listed(keys)}" for label, keys in problems.items() if keys]
    if texts:
        raise ValueError(f"{name} does not fit the network: {'; '.join(texts)}")


def shapes_of(state: Mapping[str, Tensor]) -> Shapes:
    """Return the shape of each tensor."""
    return {key: tuple(value.shape) for key, value in state.items()}


def _listed(keys: list[str]) -> str:
    more = f" and {len(keys) - MOST_NAMED} more" if len(keys) > MOST_NAMED else ""
    return f"{', '.join(keys[:MOST_NAMED])}{more}"


def _check_architecture(config: Architecture, shapes: Shapes, path: Path) -> None:
    """Compare shapes with those of a network without memory."""
    with torch.device("meta"):
        network = build_network(config)
    check_fit(shapes_of(network.state_dict()), shapes, str(path))


def _read_header(path: Path) -> tuple[dict[str, str], Architecture | None]:
    """Return the notes of a safetensors file, and its architecture if they have one, checked."""
    try:
        with safe_open(path, "pt") as file:
            info = file.metadata() or {}
            shapes = {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise damaged(path, _KIND, error) from error
    if "config" not in info:
        return info, None
    try:
        config = config_from_json(info["config"])
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    _check_architecture(config, shapes, path)
    return info, config


def _read_tensors(path: Path) -> dict[str, Tensor]:
    try:
        with safe_open(path, "pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise damaged(path, _KIND, error) from error


def _read_pickle(path: Path) -> dict[str, Tensor]:
    content = load_tensors(path, _KIND)
    try:
        return official.unwrap(content)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _inferred(path: Path, state: Mapping[str, Tensor], info: Mapping[str, str]) -> Config:
    """Return the architecture of the released layout, from shapes; its quirks are assumed."""
    try:
        config = official.infer(state, "trunc", 1, "stretched")
        if "rounding" in info:
            config = replace(config, rounding=info["rounding"])  # type: ignore[arg-type]
    except (ValueError, KeyError, IndexError) as error:
        raise ValueError(f"{path}: {error}") from error
    _check_architecture(config, shapes_of(state), path)
    return config


def _check_digest(path: Path, state: Mapping[str, Tensor], info: Mapping[str, str]) -> None:
    if "digest" in info and info["digest"] != digest(state):
        raise ValueError(f"{path} is damaged: its weights do not match the digest in its metadata")

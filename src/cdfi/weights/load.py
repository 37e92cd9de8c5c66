"""A name or a file -> a network with its weights; and a network -> our file."""

import hashlib
import json
import pickle
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialize
from torch import Tensor

from cdfi.common.choices import did_you_mean
from cdfi.common.files import atomic_write
from cdfi.models import Config, Network
from cdfi.weights import official
from cdfi.weights.catalog import BUNDLED, DEFAULT, RELEASED

FORMAT = "cdfi-1"


class Checkpoint(NamedTuple):
    """What a file holds: tensors under our names, the architecture, and notes."""

    state: dict[str, Tensor]
    config: Config
    info: dict[str, str]


def load(
    model: str | Path,
    device: torch.device | str | None = None,
    *,
    dtype: torch.dtype | None = None,
) -> Network:
    """The network that ``model`` names, with its weights, ready to interpolate (``eval``).

    Args:
        model: a bundled name ("aligned-adacof", "cdfi"; "default" is the best of them), a
            downloaded one ("released/cdfi"), or a path: our safetensors, a released ``.pth``, or a
            training checkpoint around one.
        device: where to put it; the CPU by default.
        dtype: of its parameters; float32 by default.

    Raises:
        ValueError: an unknown name, a file that is no checkpoint or holds code, or weights that do
            not fit the architecture.
        OSError: the file cannot be read.
    """
    checkpoint = read_checkpoint(resolve_path(model))
    network = Network(checkpoint.config)
    load_strict(network, checkpoint.state, str(model))
    return network.to(device=device, dtype=dtype or torch.float32).eval()


def resolve_path(model: str | Path) -> Path:
    """The file that ``model`` (a name or a path) stands for; see :func:`load`."""
    name = DEFAULT if str(model) == "default" else str(model)
    if name in BUNDLED:
        return BUNDLED[name].path
    if name in RELEASED:
        if not RELEASED[name].path.is_file():
            raise ValueError(f"{name} is not downloaded yet: cdfi models download {name}")
        return RELEASED[name].path
    path = Path(model).expanduser()
    if path.is_dir():
        raise ValueError(f"expected a checkpoint, but {path} is a directory")
    if not path.is_file():
        raise ValueError(_unknown(name))
    return path


def read_checkpoint(path: Path) -> Checkpoint:
    """What a checkpoint file holds, whichever of the known layouts it has.

    Raises:
        ValueError: it is no checkpoint, is damaged, holds more than tensors, or its notes lie.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(9)
    if start[8:9] == b"{":
        state, info = _read_safetensors(path)
    else:
        state, info = official.unwrap(_read_pickle(path)), {}
    if "config" in info:
        _check_digest(path, state, info)
        return Checkpoint(state, Config.from_json(info["config"]), info)
    if official.is_released(state):
        state = official.rename(state)
    return Checkpoint(state, _inferred(path, state, info), info)


def save(
    network: Network,
    path: str | Path,
    *,
    info: Mapping[str, str] | None = None,
    dtype: torch.dtype | None = None,
) -> None:
    """Write a safetensors file that :func:`load` reads: parameters, Config, digest and notes.

    The file is written atomically.

    Args:
        network: whose parameters are written.
        path: of the file; a file that is there is replaced.
        info: notes, kept as metadata. The names config, digest and format are taken.
        dtype: of the stored parameters; by default that of the network. float16 halves the file
            and rounds the parameters to 11 bits.

    Raises:
        OSError: the file cannot be written.
    """
    state = {
        key: value.detach().to("cpu", dtype or value.dtype)
        for key, value in network.state_dict().items()
    }
    state = {key: value.contiguous() for key, value in state.items()}
    notes = {"format": FORMAT, "config": network.config.to_json(), "digest": digest(state)}
    with atomic_write(Path(path)) as beside:
        beside.write_bytes(serialize(state, {**(info or {}), **notes}))


def digest(state: Mapping[str, Tensor]) -> str:
    """SHA-256 over names, types, shapes and bytes of the tensors: equal weights, equal digest."""
    total = hashlib.sha256()
    for key in sorted(state):
        tensor = state[key].detach().cpu().contiguous()
        total.update(f"{key}{tensor.dtype}{tuple(tensor.shape)}".encode())
        total.update(tensor.flatten().view(torch.uint8).numpy().tobytes())
    return total.hexdigest()


def load_strict(network: torch.nn.Module, state: Mapping[str, Tensor], name: str) -> None:
    """Loads ``state`` strictly.

    Raises:
        ValueError: which keys are missing, unknown or of another shape.
    """
    own = network.state_dict()
    missing = sorted(own.keys() - state.keys())
    unknown = sorted(state.keys() - own.keys())
    shapes = [
        f"{key} {tuple(state[key].shape)} where {tuple(own[key].shape)} is expected"
        for key in own
        if key in state and state[key].shape != own[key].shape
    ]
    problems = [
        f"{label}: {', '.join(keys[:4])}{f' and {len(keys) - 4} more' if len(keys) > 4 else ''}"
        for label, keys in (("missing", missing), ("unknown", unknown), ("shapes", shapes))
        if keys
    ]
    if problems:
        raise ValueError(f"{name} does not fit the network: {'; '.join(problems)}")
    network.load_state_dict({key: value.to(own[key].dtype) for key, value in state.items()})


def describe_scores(info: Mapping[str, str]) -> dict[str, dict[str, float]]:
    """The scores noted in a checkpoint: data set -> metric -> value."""
    return dict(json.loads(info.get("scores", "{}")))


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        with safe_open(path, "pt") as file:
            keys = list(file.keys())
            return {key: file.get_tensor(key) for key in keys}, file.metadata() or {}
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged, or no safetensors file: {error}") from error


def _read_pickle(path: Path) -> object:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f"{path} was refused: it holds more than plain tensors, and that could run code; "
            "save its state_dict alone"
        ) from error
    except (RuntimeError, EOFError, LookupError, ValueError, TypeError, SafetensorError) as error:
        raise ValueError(f"{path} is damaged, or no checkpoint: {error}") from error


def _inferred(path: Path, state: Mapping[str, Tensor], info: Mapping[str, str]) -> Config:
    """The released layout has no notes: shapes give the widths, its quirks are assumed."""
    try:
        config = official.infer(state, "trunc", 1, "stretched")
        if "rounding" in info:
            config = replace(config, rounding=info["rounding"])  # type: ignore[arg-type]
    except (ValueError, KeyError, IndexError) as error:
        raise ValueError(f"{path}: {error}") from error
    return config


def _check_digest(path: Path, state: Mapping[str, Tensor], info: Mapping[str, str]) -> None:
    if info.get("digest", digest(state)) != digest(state):
        raise ValueError(f"{path} is damaged: its weights do not match the digest noted inside")


def _unknown(name: str) -> str:
    known = ["default", *BUNDLED, *RELEASED]
    hint = did_you_mean(name, known)
    return f"no model is called {name}, and no file is there{hint} (cdfi models list shows all)"

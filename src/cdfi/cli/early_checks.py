"""Check names before PyTorch is imported, which takes seconds."""

import re
from pathlib import Path

from cdfi.video.writing.codecs import named_row, split_profile
from cdfi.weights.catalog import resolve_path

#: Kinds of devices that the networks run on, with a number where there are several.
DEVICE = re.compile(r"(auto|cpu|cuda|mps|xpu)(:\d+)?")


def check_model(*names: str) -> None:
    """Raise ValueError if a model has no such name and there is no such file."""
    for name in names:
        resolve_path(name)


def exported_suffix(model: str) -> str:
    """Return the suffix of a file that another runtime opens; "" for other models."""
    suffix = Path(model).suffix.lower()
    return suffix if suffix in (".onnx", ".xml") else ""


def check_device(name: str | None, runtime: str | None = None) -> None:
    """Raise ValueError if a device has no such name; whether it is here is found out later.

    Args:
        name: of the device.
        runtime: another runtime than PyTorch, which has names of its own.
    """
    if name is not None and not runtime and not DEVICE.fullmatch(name):
        raise ValueError(f"--device: expected auto, cpu, cuda, cuda:1, mps or xpu, got {name!r}")


def check_codec(name: str | None) -> None:
    """Raise ValueError if no encoder has such a name; libav is imported only for its own names."""
    if name is not None:
        named_row(split_profile(name)[0])

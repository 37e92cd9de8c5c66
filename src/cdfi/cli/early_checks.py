"""Check names before PyTorch is imported, which takes seconds."""

import re

from cdfi.common.exported_files import is_exported
from cdfi.video.writing.codecs import named_row, split_profile
from cdfi.weights.catalog import BUNDLED, RELEASED, resolve_path

#: Kinds of devices that the networks run on, with a number where there are several.
DEVICE = re.compile(r"(auto|cpu|cuda|mps|xpu)(:\d+)?")


def check_model(*names: str) -> None:
    """Raise ValueError for a text that is neither the name of a model nor an existing file."""
    for name in names:
        resolve_path(name)


def check_network(model: str, device: str | None, backend: str | None) -> None:
    """Raise ValueError for an unknown model, or for a device name that PyTorch does not have.

    The device is not checked for other runtimes, which have other device names.
    """
    check_model(model)
    if backend is None and not is_exported(model):
        check_device(device)


def check_device(name: str | None) -> None:
    """Raise ValueError for a malformed device name; whether it exists is checked later."""
    if name is not None and not DEVICE.fullmatch(name):
        raise ValueError(f"--device: expected auto, cpu, cuda, cuda:1, mps or xpu, got {name!r}")


def check_codec(name: str | None) -> None:
    """Raise ValueError if no encoder has such a name; libav is imported only for its own names."""
    if name is not None:
        named_row(split_profile(name)[0])


def model_names() -> list[str]:
    """Return the names of models, for the completion of shells."""
    return ["default", *BUNDLED, *RELEASED]

"""The software and the machine, for a report of a problem."""

import os
import platform

import av
import torch

from cdfi.common.cache import cache_folder
from cdfi.common.devices import choose_device, quick_bf16
from cdfi.common.machine import describe_machine, versions
from cdfi.video.writing.codecs import CODECS


def environment() -> dict[str, object]:
    """Return versions, devices, codecs and folders, as values that JSON can hold."""
    device = choose_device()
    return {
        "versions": versions(),
        "libav": {name: ".".join(map(str, parts)) for name, parts in av.library_versions.items()},
        "system": platform.platform(),
        "machine": describe_machine(device),
        "device": str(device),
        "devices": _devices(),
        "fast_bf16": quick_bf16(device),
        "codecs": {name: row.encoder in av.codecs_available for name, row in CODECS.items()},
        "cache": str(cache_folder()),
        "variables": {name: text for name, text in os.environ.items() if name.startswith("CDFI_")},
    }


def _devices() -> list[str]:
    """Return the devices that ``device=`` accepts here, by name."""
    cuda = [
        f"cuda:{number} ({torch.cuda.get_device_name(number)})"
        for number in range(torch.cuda.device_count())
    ]
    mps = ["mps"] if torch.backends.mps.is_available() else []
    return [*cuda, *mps, "cpu"]

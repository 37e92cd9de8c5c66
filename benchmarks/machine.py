"""The machine and the versions that the figures of a benchmark were measured with."""

import importlib.metadata
import json
import os
import platform
import statistics
from pathlib import Path

import torch


def machine() -> dict[str, object]:
    """Return processor, cores, threads, device and versions, as values for JSON."""
    packages = ("torch", "numba", "numpy", "triton")
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in packages},
    }


def print_relative_to_sgd(question: str, milliseconds: dict[str, float]) -> None:
    """Print the times of optimizers, and each relative to that of "SGD"."""
    result = {
        "question": question,
        "milliseconds": milliseconds,
        "of_sgd": {name: time / milliseconds["SGD"] for name, time in milliseconds.items()},
        "machine": machine(),
    }
    print(json.dumps(result, indent=2))


def print_seeds(question: str, sizes: dict[str, int], found: dict[str, list[float]]) -> None:
    """Print the parameters of each network, and mean and spread of its scores over the seeds."""
    rows = {
        name: {
            "parameters": sizes[name],
            "mean": round(statistics.mean(values), 2),
            "spread": round(statistics.stdev(values), 2) if len(values) > 1 else None,
        }
        for name, values in found.items()
    }
    print(json.dumps({"question": question, "rows": rows, "machine": machine()}, indent=2))


def _processor() -> str:
    """The processor's name as Linux gives it, elsewhere as Python does."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None

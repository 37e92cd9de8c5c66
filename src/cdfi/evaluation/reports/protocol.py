"""What the scores of a report depend on, recorded beside them."""

import os
import platform
import re
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from cdfi.evaluation.columns import Metric
from cdfi.evaluation.methods.method import Method

LIBRARIES = ("torch", "numpy", "numba", "pillow", "av", "opencv-python-headless", "lpips")


def protocol(
    methods: Sequence[Method], metrics: Sequence[Metric], device: torch.device
) -> dict[str, object]:
    """The record of an evaluation: how it was computed, by which versions, on what machine."""
    return {
        "prediction": "clamped and rounded to 8 bits (halves upward) before scoring",
        "padding": "networks pad right and bottom to a multiple of 32 by reflection, then crop",
        "average": "over images; a PSNR of infinity is left out and counted",
        "metrics": {metric.name: metric.protocol for metric in metrics},
        "precision": {method.name: method.precision for method in methods if method.precision},
        "versions": versions(),
        "machine": machine(device),
    }


def versions() -> dict[str, str]:
    """Versions of cdfi (with its commit in a checkout), Python and the libraries in use."""
    found = {"cdfi": version("cdfi"), "python": platform.python_version()}
    if commit := git_commit():
        found["commit"] = commit
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def git_commit() -> str | None:
    """The commit of the checkout that cdfi runs from, with "+" if changed; None outside of one."""
    here = Path(__file__).parent
    command = ["git", "-C", str(here), "describe", "--always", "--abbrev=12", "--dirty=+"]
    tracked = ["git", "-C", str(here), "ls-files", "--error-unmatch", Path(__file__).name]
    try:
        # A package installed inside someone else's repository is not of that repository.
        subprocess.run(tracked, capture_output=True, check=True)
        return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def machine(device: torch.device) -> str:
    """The processor, or the accelerator of ``device`` with it, and the system, in one line."""
    parts = [f"{os.cpu_count()} x {_processor()}", f"{torch.get_num_threads()} threads"]
    if device.type == "cuda":
        parts.insert(0, torch.cuda.get_device_name(device))
    return ", ".join([*parts, platform.system()])


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        named = re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(), re.MULTILINE)
        if named:
            return named.group(1)
    return platform.processor() or platform.machine()

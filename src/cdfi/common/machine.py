"""Versions of the software, and the machine it runs on."""

import os
import platform
import re
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

LIBRARIES = ("torch", "numpy", "numba", "pillow", "av", "opencv-python-headless", "lpips")


def versions() -> dict[str, str]:
    """Return the versions of cdfi (with its commit in a checkout), Python and the libraries."""
    found = {"python": platform.python_version()}
    if commit := git_commit():
        found["commit"] = commit
    for name in ("cdfi", *LIBRARIES):  # a checkout may run without being installed
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def git_commit() -> str | None:
    """Return the commit of the checkout that cdfi runs from, with "+" if changed, or None."""
    here = Path(__file__).parent
    command = ["git", "-C", str(here), "describe", "--always", "--abbrev=12", "--dirty=+"]
    tracked = ["git", "-C", str(here), "ls-files", "--error-unmatch", Path(__file__).name]
    try:
        # A package may be installed inside a repository that is not its own.
        subprocess.run(tracked, capture_output=True, check=True)
        return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def describe_machine(device: torch.device) -> str:
    """Return the accelerator of ``device``, the processor and the system, in one line."""
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

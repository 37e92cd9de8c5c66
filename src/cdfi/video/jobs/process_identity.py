"""Processes of this machine: which system they belong to, and whether one has ended."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from pathlib import Path

import psutil


def has_ended(process: int, started: float) -> bool:
    """Return whether a process of this system has ended.

    Args:
        process: its number, which another process may have by now.
        started: when it was started, in seconds since 1970.
    """
    try:
        found = psutil.Process(process)
        is_zombie = found.status() == psutil.STATUS_ZOMBIE
        return is_zombie or bool(abs(found.create_time() - started) > 1)
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False


@cache
def process_system() -> str:
    """Return an identifier of this boot and container: process ids are unique only within it."""
    parts = []
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip())
    with suppress(OSError):
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return " ".join(parts)


def plain_host(name: str) -> str:
    """Return a machine's name with letters, digits and hyphens alone."""
    return "".join(c if c.isalnum() and c.isascii() else "-" for c in name)[:40]

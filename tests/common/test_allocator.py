"""Free memory, and the memory that a process keeps."""

import platform
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch

from cdfi.common import allocator

GLIBC = platform.libc_ver()[0] == "glibc"


def test_free_memory_leaves_a_margin_and_the_overhead_of_kept_memory(monkeypatch):
    host = SimpleNamespace(available=10_000_000_000)
    monkeypatch.setattr(allocator.psutil, "virtual_memory", lambda: host)
    found = []
    for keeps in (False, True):
        monkeypatch.setattr(allocator, "_keeps_freed", keeps)
        found.append(allocator.free_memory(torch.device("cpu")))
    assert found[0] == 8_000_000_000
    assert found[1] == pytest.approx(found[0] / allocator.ALLOCATOR_OVERHEAD, rel=1e-6)


@pytest.mark.skipif(not GLIBC, reason="mallopt is glibc's")
@pytest.mark.long
def test_keep_freed_memory_keeps_the_memory_of_freed_tensors():
    code = """
import torch
from pathlib import Path
from cdfi.common.allocator import keep_freed_memory

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

def grown():
    before = resident()
    block = torch.ones(25_000_000)
    del block
    return resident() - before

assert grown() < 50e6, "given back before"
assert keep_freed_memory() and keep_freed_memory()
assert grown() > 90e6, "kept after"
"""
    subprocess.run([sys.executable, "-c", code], check=True)

"""What memory the network takes: kept memory is planned with, and really kept."""

import platform
import subprocess
import sys

import pytest
import torch

from cdfi.interpolation import Interpolator, engine, memory
from tests.tiny import tiny_network

GLIBC = platform.libc_ver()[0] == "glibc"


def test_what_is_kept_comes_out_of_what_is_free(monkeypatch):
    monkeypatch.setattr(memory, "_free_on_host", lambda: 10_000_000_000)
    found = []
    for keeps in (False, True):
        monkeypatch.setattr(memory, "_keeps_freed", keeps)
        found.append(memory.free_memory(torch.device("cpu")))
    assert found[0] == 8_000_000_000
    assert found[1] == pytest.approx(found[0] / memory.ALLOCATOR_OVERHEAD, rel=1e-6)


def test_all_frames_of_a_size_are_made_in_the_same_pieces(monkeypatch):
    free = iter((1 << 40, 1))
    monkeypatch.setattr(engine, "free_memory", lambda device: next(free))
    maker = Interpolator(tiny_network())
    frames = torch.rand(2, 3, 40, 50)
    assert torch.equal(maker(*frames), maker(*frames))


@pytest.mark.skipif(not GLIBC, reason="mallopt is glibc's")
def test_freed_tensors_stay_with_a_process_that_keeps_them():
    code = """
import torch
from pathlib import Path
from cdfi.interpolation.memory import keep_freed_memory

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

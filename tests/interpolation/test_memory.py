"""Memory: strips and tiles within a budget."""

import pytest
import torch

from cdfi.interpolation import Interpolator, memory
from tests.tiny import TINY, TINY_SYNTHESIS, tiny_network


@pytest.mark.long
def test_tiles_are_the_last_choice_and_close_to_the_whole_frame(monkeypatch):
    monkeypatch.setattr(memory, "SMALLEST_TILE", 128)
    network = tiny_network()
    frames = torch.rand(1, 3, 40, 50).repeat(2, 1, 1, 1)
    frames = torch.nn.functional.interpolate(frames, (300, 410), mode="bilinear")
    shape = memory.choose_tiling(TINY, 300, 410, 1, 9_000_000)
    assert shape.tile
    tiled = Interpolator(network, memory=9_000_000)(frames[:1], frames[1:])
    whole = Interpolator(network)(frames[:1], frames[1:])
    assert (tiled - whole).abs().mean() < 2e-3


def test_a_gpu_gets_taller_pieces_within_the_same_budget():
    size = (TINY_SYNTHESIS, 1080, 1920, 1)
    on_cpu, on_gpu = (memory.choose_tiling(*size, 1 << 40, gpu) for gpu in (False, True))
    assert (on_cpu.chunk, on_cpu.strip) == (512, 32)
    assert (on_gpu.chunk, on_gpu.strip) == (1088, 272)
    budget = memory.peak_bytes(*size[:3], on_gpu.chunk, on_gpu.strip) - 1
    tight = memory.choose_tiling(*size, budget, True)
    assert not tight.tile
    assert memory.peak_bytes(*size[:3], tight.chunk, tight.strip) <= budget


def test_too_little_memory_is_an_error():
    with pytest.raises(ValueError, match="too little for frames of 500 x 400"):
        Interpolator(tiny_network(), memory=1000)(*torch.rand(2, 3, 400, 500))

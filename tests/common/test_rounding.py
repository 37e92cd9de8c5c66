"""Rounding to integer levels."""

import torch

from cdfi.common.rounding import quantize, to_bytes, to_levels


def test_halves_are_rounded_upward() -> None:
    x = torch.tensor([-1.0, 0.5 / 255, 1.5 / 255, 2.5 / 255, 2.0])
    assert to_bytes(x).tolist() == [0, 1, 2, 3, 255]
    assert torch.equal(quantize(x) * 255, torch.tensor([0.0, 1.0, 2.0, 3.0, 255.0]))
    assert to_levels(torch.tensor([1.0]), 65535).item() == 65535

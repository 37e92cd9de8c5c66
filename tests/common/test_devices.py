"""The choice of a device."""

import pytest
import torch

from cdfi.common.devices import choose_device


@pytest.mark.parametrize(("cuda", "mps", "kind"), [(1, 1, "cuda"), (0, 1, "mps"), (0, 0, "cpu")])
def test_the_best_device_present_is_chosen(
    monkeypatch: pytest.MonkeyPatch, cuda: int, mps: int, kind: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: bool(cuda))
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: bool(mps))
    assert choose_device().type == choose_device("auto").type == kind

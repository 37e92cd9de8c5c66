"""One forward pass of training."""

from dataclasses import replace

import pytest
import torch

from cdfi.data.batch import Batch
from cdfi.models import Prediction
from cdfi.training.args import TrainArgs
from cdfi.training.losses import objective
from cdfi.training.losses.objective import Objective
from cdfi.training.losses.terms import Term
from tests.tiny import tiny_network


@pytest.mark.parametrize(
    ("precision", "quick", "dtype"),
    [
        ("auto", True, torch.bfloat16),
        ("auto", False, torch.float32),
        ("bf16", False, torch.bfloat16),
        ("fp32", True, torch.float32),
    ],
)
def test_bf16_is_used_if_it_is_fast_or_requested(precision, quick, dtype, monkeypatch) -> None:
    seen: list[torch.dtype] = []

    def measure(prediction: Prediction, _: Batch) -> torch.Tensor:
        seen.append(prediction.maps0.offset_x.dtype)  # a convolution's output
        return prediction.middle.float().mean()

    monkeypatch.setattr(objective, "quick_bf16", lambda _: quick)
    args = replace(TrainArgs(), precision=precision)
    planes = (torch.rand(1, c, 32, 32) for c in (3, 3, 3, 2, 2, 1, 1))
    batch = Batch(*planes, torch.full((1, 1, 1, 1), 0.5))
    Objective(tiny_network(), [Term(1.0, "mean", measure)], args)(batch, 0.0)
    assert seen == [dtype]

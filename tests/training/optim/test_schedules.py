"""Learning rates, and the optimizers that use them."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from cdfi.training.args import TrainArgs
from cdfi.training.optim.optimizers import OPTIMIZERS, build_optimizer
from cdfi.training.optim.schedules import Length, rate

LENGTH = Length(steps=1000, epoch=10)


def test_the_published_rate_halves_every_20_epochs() -> None:
    args = TrainArgs()
    assert [rate(step, args, LENGTH) for step in (0, 199, 200, 400)] == [1e-3, 1e-3, 5e-4, 2.5e-4]


def test_multi_step_falls_at_each_named_epoch() -> None:
    args = replace(TrainArgs(), schedule="multi-step", decay_epochs=(2, 5), decay=0.1)
    rates = [rate(step, args, LENGTH) for step in (19, 20, 49, 50)]
    assert rates == pytest.approx([1e-3, 1e-4, 1e-4, 1e-5])


def test_cosine_warms_up_and_ends_near_zero() -> None:
    args = replace(TrainArgs(), schedule="cosine", warmup=100)
    rates = [rate(step, args, LENGTH) for step in range(1000)]
    assert rates[0] == pytest.approx(1e-5)
    assert max(rates) == rates[99] == pytest.approx(1e-3)
    assert rates[100:] == sorted(rates[100:], reverse=True)
    assert rates[-1] == pytest.approx(1e-5, rel=0.01)


def test_constant_stays_after_its_warm_up() -> None:
    args = replace(TrainArgs(), schedule="constant", warmup=4)
    assert [rate(step, args, LENGTH) for step in (1, 4, 900)] == [5e-4, 1e-3, 1e-3]


def test_an_unknown_schedule_shows_similar_names() -> None:
    with pytest.raises(ValueError, match=r"unknown schedule 'cosin'; did you mean cosine\?"):
        rate(0, replace(TrainArgs(), schedule="cosin"), LENGTH)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_reduces_the_loss(name: str) -> None:
    torch.manual_seed(0)
    model = nn.Linear(4, 1)
    optimizer = build_optimizer(model, replace(TrainArgs(), optimizer=name, lr=0.01), 10)
    x, y = torch.rand(32, 4), torch.rand(32, 1)
    losses = []
    for _ in range(30):
        loss = (model(x) - y).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss))
    assert losses[-1] < 0.8 * losses[0]


def test_optimizer_names_ignore_case_and_similar_names_are_shown() -> None:
    model = nn.Linear(1, 1)
    build_optimizer(model, replace(TrainArgs(), optimizer="adamax"), 1)
    with pytest.raises(ValueError, match=r"unknown optimizer 'AdmaW'; did you mean AdamW"):
        build_optimizer(model, replace(TrainArgs(), optimizer="AdmaW"), 1)

"""Penalised optimizers end where the conditions of optimality hold, and groups become zero."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cdfi.compression import HSPG, OBProxSG, channel_groups, hspg_cpu, remove_zeros
from cdfi.compression.channel_groups import ChannelGroups, ParameterRows
from tests.compression.zoo import build, example

WAYS: dict[str, dict[str, Any]] = {
    "plain": {"lr": 0.5},
    "momentum": {"lr": 0.5, "momentum": 0.8},
    "adam": {"lr": 0.03, "betas": (0.9, 0.99)},
}
LAMBDA, TOLERANCE = 0.05, 4e-3


class Regression(nn.Module):
    """A linear model of eight groups of three values; four of the groups matter."""

    def __init__(self) -> None:
        super().__init__()
        draw = torch.Generator().manual_seed(0)
        self.x = torch.randn(200, 24, generator=draw, dtype=torch.float64)
        self.truth = torch.randn(8, 3, generator=draw, dtype=torch.float64)
        self.truth[4:] = 0
        self.w = nn.Parameter(torch.randn(8, 3, generator=draw, dtype=torch.float64) * 0.3)

    def loss(self, kind: str) -> Tensor:
        found, wanted = self.x @ self.w.flatten(), self.x @ self.truth.flatten()
        if kind == "logistic":
            return 4 * F.binary_cross_entropy_with_logits(found, (wanted > 0).double())
        if kind == "quadratic":
            return 0.5 * ((self.w - self.truth) ** 2).sum()
        return 0.5 * ((found - wanted) ** 2).mean()


GROUPS = ChannelGroups({"w": ParameterRows(0, torch.arange(8))}, torch.full((8,), 3.0))


def run(model: Regression, optimizer: torch.optim.Optimizer, kind: str) -> Tensor:
    """Train, and return the gradient of the loss at the end."""
    for step in range(260):
        if step in (150, 200, 230) and optimizer.defaults.get("betas"):
            optimizer.param_groups[0]["lr"] /= 6  # Adam does not stop at a fixed rate
        optimizer.zero_grad()
        model.loss(kind).backward()
        optimizer.step()
    optimizer.zero_grad()
    model.loss(kind).backward()
    assert model.w.grad is not None
    return model.w.grad


@pytest.mark.parametrize("orthant", [False, True])
@pytest.mark.parametrize("kind", ["lasso", "logistic", "quadratic"])
@pytest.mark.parametrize("way", WAYS)
def test_obproxsg_ends_at_the_optimum_of_the_l1_penalty(way: str, kind: str, orthant: bool) -> None:
    model = Regression()
    prox = 3 if orthant else float("inf")
    options = WAYS[way]
    optimizer = OBProxSG([model.w], lambda_=LAMBDA, steps_per_epoch=40, prox_epochs=prox, **options)
    grad, w = run(model, optimizer, kind), model.w.detach()
    zero = w == 0
    assert zero.any()
    assert (grad + LAMBDA * w.sign())[~zero].abs().max() < TOLERANCE
    assert grad[zero].abs().max() < LAMBDA + TOLERANCE


@pytest.mark.parametrize("half_space", [False, True])
@pytest.mark.parametrize("kind", ["lasso", "logistic", "quadratic"])
@pytest.mark.parametrize("way", WAYS)
def test_hspg_ends_at_the_optimum_of_the_group_penalty(
    way: str, kind: str, half_space: bool
) -> None:
    model = Regression()
    prox = 3 if half_space else float("inf")
    optimizer = HSPG(
        model, GROUPS, lambda_=LAMBDA, steps_per_epoch=40, prox_epochs=prox, **WAYS[way]
    )
    grad, w = run(model, optimizer, kind), model.w.detach()
    norms, penalty = w.norm(dim=1, keepdim=True), LAMBDA * 3**0.5
    zero = norms[:, 0] == 0
    assert zero.any()
    assert optimizer.density() == pytest.approx(float((~zero).double().mean()))
    assert (grad + penalty * w / norms)[~zero].abs().max() < TOLERANCE
    assert grad[zero].norm(dim=1).max() < penalty + TOLERANCE


@pytest.mark.parametrize("prox_epochs", [0, 1])
def test_a_step_is_that_of_the_paper(prox_epochs: int) -> None:
    model, lr, eps = Regression().float(), 0.3, 0.2
    model.w.grad = torch.randn(8, 3, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        model.w[2] = 0
        model.w.grad[1] = 2.9 * model.w[1]  # leaves the half-space
    x, grad = model.w.detach().numpy().copy(), model.w.grad.numpy().copy()
    HSPG(
        model, GROUPS, lr=lr, lambda_=0.1, steps_per_epoch=1, prox_epochs=prox_epochs, eps=eps
    ).step()
    penalty = 0.1 * np.sqrt(3)
    expected = np.zeros_like(x)
    for g in range(8):
        if prox_epochs:
            z = x[g] - lr * grad[g]
            expected[g] = max(0, 1 - lr * penalty / np.linalg.norm(z)) * z
        elif (size := np.linalg.norm(x[g])) > 0:
            z = x[g] - lr * (grad[g] + penalty * x[g] / size)
            expected[g] = z if z @ x[g] > eps * size**2 else 0
    np.testing.assert_allclose(model.w.detach().numpy(), expected, atol=1e-6)
    assert prox_epochs or (expected[1] == 0).all()


@pytest.mark.parametrize("kernels", ["cpu", "foreach"])
@pytest.mark.parametrize(
    "options", [{"lr": 0.05}, {"lr": 0.05, "momentum": 0.9}, {"lr": 0.01, "betas": (0.9, 0.99)}]
)
@pytest.mark.parametrize(
    ("name", "lambda_"), [("Residual", 0.2), ("Grouped", 0.4), ("Siamese", 0.1)]
)
def test_a_step_of_all_parameters_together_is_that_of_each(
    name: str, lambda_: float, options: dict[str, Any], kernels: str, monkeypatch: Any
) -> None:
    if kernels == "foreach":
        monkeypatch.setattr(hspg_cpu, "supports", lambda *_: False)
    results = []
    for foreach in (False, True):
        model = build(name)
        pruner = HSPG(
            model, channel_groups(model, (example(),)), steps_per_epoch=4, prox_epochs=1, eps=0.1,
            lambda_=0.01 * lambda_ if "betas" in options else lambda_, foreach=foreach, **options,
        )  # fmt: skip
        for _ in range(12):
            pruner.zero_grad()
            model(example()).square().mean().backward()
            pruner.step()
        results.append((pruner.density(), model.state_dict()))
    assert 0 < results[0][0] == results[1][0] <= 1
    torch.testing.assert_close(results[1][1], results[0][1], atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("name", ["Residual", "Shuffle", "Flow", "Siamese", "Gated"])
@torch.no_grad()
def test_a_group_of_zeros_removes_its_channel_without_loss(name: str) -> None:
    model = build(name)
    groups = channel_groups(model, (example(),))
    parameters = dict(model.named_parameters())
    for path, (dim, group) in groups.rows.items():
        parameters[path].movedim(dim, 0)[(group >= 0) & (group % 2 == 0)] = 0
    small = remove_zeros(model, (example(),))
    torch.testing.assert_close(small(example()), model(example()), atol=1e-5, rtol=0)
    if name not in ("Gated", "Residual"):  # norms give zeros another value
        count = sum(p.numel() for p in small.parameters())
        assert count < 0.8 * sum(p.numel() for p in model.parameters())


def test_training_with_hspg_empties_channels_of_a_network() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 1))
    x = torch.randn(64, 4)
    groups = channel_groups(model, (x,))
    assert len(groups.sizes) == 32
    optimizer = HSPG(
        model, groups, lr=0.1, lambda_=0.02, steps_per_epoch=20, prox_epochs=5, momentum=0.9
    )
    for _ in range(300):
        optimizer.zero_grad()
        F.mse_loss(model(x), x[:, :1].relu()).backward()
        optimizer.step()
    assert optimizer.density() < 0.5
    small: Any = remove_zeros(model.eval(), (x,))
    assert small[0].out_features == round(32 * optimizer.density())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lr": -1.0}, "lr >= 0"),
        ({"eps": 1.0}, "eps < 1"),
        ({"momentum": 1.0}, r"\[0, 1\)"),
        ({"betas": (0.9, 1.0)}, "betas"),
        ({"betas": (0.9, 0.9), "momentum": 0.5}, "without momentum"),
    ],
)
def test_bad_options_are_refused(options: dict[str, Any], message: str) -> None:
    plain = {"lr": 0.1, "lambda_": 0.1, "steps_per_epoch": 1, "prox_epochs": 1}
    with pytest.raises(ValueError, match=message):
        HSPG(Regression(), GROUPS, **{**plain, **options})


def test_half_precision_is_refused_by_name() -> None:
    plain: dict[str, Any] = {"lr": 0.1, "lambda_": 0.1, "steps_per_epoch": 1, "prox_epochs": 1}
    with pytest.raises(ValueError, match="'w' is in half precision"):
        HSPG(Regression().bfloat16(), GROUPS, **plain)


def test_a_gradient_that_is_not_finite_is_refused() -> None:
    model = Regression()
    model.w.grad = torch.full_like(model.w, torch.nan)
    before = model.w.detach().clone()
    with pytest.raises(ValueError, match="not finite"):
        HSPG(model, GROUPS, lr=0.1, lambda_=0.1, steps_per_epoch=1, prox_epochs=1).step()
    assert torch.equal(model.w, before)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.long
def test_half_precision_weights_move_as_float32_weights_do(dtype: torch.dtype) -> None:
    values = torch.linspace(-1, 1, 9)
    half, full = nn.Parameter(values.to(dtype)), nn.Parameter(values.to(dtype).float())
    for p in (half, full):
        optimizer = OBProxSG([p], 1e-3, 0.5, steps_per_epoch=1500, prox_epochs=1)
        for _ in range(1800):
            p.grad = torch.zeros_like(p)
            optimizer.step()
    assert torch.equal(half, full.to(dtype))
    assert int((half == 0).sum()) == 7
    with torch.no_grad():
        half.fill_(1)
    half.grad = torch.zeros_like(half)
    OBProxSG([half], 1e-3, 0.0, steps_per_epoch=1, prox_epochs=1).step()
    assert torch.equal(half, torch.ones_like(half))

"""OBProxSG against the released optimizer's trajectories, and its own promises."""

import copy
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from cdfi.compression import obproxsg
from cdfi.compression import obproxsg_cpu as cpu
from cdfi.compression.obproxsg import OBProxSG, ProxSG, in_orthant_phase


class LeastSquares:
    """The problem of the fixture: ``mean((X @ p + q - y) ** 2)`` over the rows of each step."""

    def __init__(self, fixtures: Path, run: str) -> None:
        with np.load(fixtures / "obproxsg.npz") as file:
            rows = {k[2:]: file[k] for k in file if k.startswith(run)}
        self.x, self.y = torch.tensor(rows["X"]), torch.tensor(rows["y"])
        self.order, self.trajectory = rows["order"], torch.tensor(rows["traj"])
        self.p, self.q = nn.Parameter(torch.tensor(rows["init"])), nn.Parameter(torch.zeros(1))
        options = {k: float(rows[k]) for k in ("lr", "lambda_", "Np", "No", "eps")}
        self.options: dict[str, Any] = {**options, "epochSize": int(rows["epochSize"])}
        self.optimizer = OBProxSG([self.p, self.q], **self.options)

    def run(self, steps: range) -> torch.Tensor:
        """The parameters after each of ``steps``."""
        return torch.stack([self.step(s) for s in steps])

    def step(self, s: int) -> torch.Tensor:
        self.optimizer.zero_grad()
        rows = self.order[s]
        ((self.x[rows] @ self.p + self.q - self.y[rows]) ** 2).mean().backward()
        self.optimizer.step()
        return torch.cat([self.p, self.q]).detach().clone()


@pytest.mark.parametrize("run", ["a", "b"])
def test_every_step_equals_the_released_optimizer_s(fixtures: Path, run: str) -> None:
    problem = LeastSquares(fixtures, run)
    ours = problem.run(range(len(problem.order)))
    torch.testing.assert_close(ours, problem.trajectory, atol=1e-6, rtol=0)
    assert torch.equal(ours == 0, problem.trajectory == 0)


def test_a_saved_run_continues_identically(fixtures: Path, tmp_path: Path) -> None:
    whole = LeastSquares(fixtures, "b").run(range(120))
    first, second = LeastSquares(fixtures, "b"), LeastSquares(fixtures, "b")
    first.run(range(37))
    torch.save([first.optimizer.state_dict(), first.p, first.q], tmp_path / "run.pt")
    state, p, q = torch.load(tmp_path / "run.pt", weights_only=True)
    second.optimizer.load_state_dict(state)
    second.p.data, second.q.data = p.data, q.data
    assert torch.equal(second.run(range(37, 120)), whole[37:])


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("phase", ["prox", "orthant"])
def test_the_cpu_kernels_equal_the_torch_steps(
    phase: str, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpu, "PIECE", 1000)
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    start, grad = torch.randn(2, 3, 7, 333, generator=torch.Generator().manual_seed(0))
    start[0, 0, :50] = 0
    options = (0.1, 0.5) if phase == "prox" else (0.1, 0.5, 0.01)
    fast, slow = start.clone(), start.clone()
    getattr(cpu, f"{phase}_step")([(fast, grad)], *options)
    getattr(obproxsg, f"{phase}_step")([slow], [grad], *options)
    torch.testing.assert_close(fast, slow, atol=3e-7, rtol=0)
    assert (fast == 0).sum() == (slow == 0).sum() > 100


def test_other_layouts_and_dtypes_take_the_same_steps() -> None:
    def run(x: nn.Parameter) -> torch.Tensor:
        optimizer = OBProxSG([x], 0.1, 0.5, steps_per_epoch=2, prox_epochs=1, eps=0.01)
        for _ in range(6):
            x.grad = (x.detach() * 3).sin()
            optimizer.step()
        return x.detach().float()

    start = torch.randn(4, 5, 7, generator=torch.Generator().manual_seed(0))
    apart = start.transpose(0, 2).contiguous().transpose(0, 2)
    assert not apart.is_contiguous()
    expected = run(nn.Parameter(start.clone()))
    torch.testing.assert_close(run(nn.Parameter(apart)), expected)
    torch.testing.assert_close(run(nn.Parameter(start.double())), expected, atol=1e-6, rtol=0)


def test_zeros_stay_zero_in_the_orthant_phase() -> None:
    x = nn.Parameter(torch.tensor([0.0, 1.0, -1.0]))
    optimizer = OBProxSG([x], 0.1, 0.01, steps_per_epoch=1, prox_epochs=0)
    x.grad = torch.tensor([-5.0, 20.0, -0.1])
    optimizer.step()
    torch.testing.assert_close(x.detach(), torch.tensor([0.0, 0.0, -0.989]))


def test_tiny_half_precision_values_keep_their_sign() -> None:
    x = nn.Parameter(torch.full((3,), 1e-4, dtype=torch.float16))
    x.grad = torch.zeros(3, dtype=torch.float16)
    OBProxSG([x], 1e-3, 1e-3, steps_per_epoch=1, prox_epochs=0).step()
    assert (x > 0).all()


def test_a_group_without_penalty_takes_plain_gradient_steps() -> None:
    bias, weight = nn.Parameter(torch.zeros(2)), nn.Parameter(torch.ones(2))
    groups = [{"params": [bias], "lambda_": 0.0}, {"params": [weight]}]
    optimizer = OBProxSG(groups, 0.5, 10.0, steps_per_epoch=1, prox_epochs=0)
    bias.grad, weight.grad = torch.ones(2), torch.ones(2)
    optimizer.step()
    assert bias.tolist() == [-0.5, -0.5]
    assert weight.tolist() == [0.0, 0.0]
    assert optimizer.density() == [1.0, 0.0]


def test_phases_alternate_by_epochs_of_steps() -> None:
    x = nn.Parameter(torch.ones(1))
    optimizer = OBProxSG([x], 0.0, 1.0, steps_per_epoch=2, prox_epochs=1, orthant_epochs=2)
    phases = []
    for _ in range(8):
        phases.append(in_orthant_phase(optimizer.param_groups[0]))
        optimizer.step()
    assert phases == [False, False, True, True, True, True, False, False]


def test_prox_sg_stays_in_the_proximal_phase() -> None:
    x, twin = (nn.Parameter(torch.linspace(-1, 1, 9)) for _ in range(2))
    one, other = (
        ProxSG([x], 0.1, 0.3),
        OBProxSG([twin], 0.1, 0.3, steps_per_epoch=100, prox_epochs=1),
    )
    for _ in range(20):
        x.grad, twin.grad = x.detach().clone(), twin.detach().clone()
        one.step()
        other.step()
    assert torch.equal(x, twin)
    assert one.density()[0] < 1


def test_a_closure_is_evaluated_with_gradients() -> None:
    x = nn.Parameter(torch.ones(1))
    optimizer = OBProxSG([x], 0.1, 0.0, steps_per_epoch=1, prox_epochs=1)

    def closure() -> float:
        loss = (x**2).sum()
        loss.backward()
        return loss.item()

    assert optimizer.step(closure) == 1.0
    assert x.item() == pytest.approx(0.8)


def test_a_scheduler_drives_the_rate_and_the_threshold() -> None:
    x = nn.Parameter(torch.tensor([1.0]))
    optimizer = OBProxSG([x], 0.1, 1.0, steps_per_epoch=1, prox_epochs=math.inf)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    x.grad = torch.zeros(1)
    optimizer.step()
    scheduler.step()
    optimizer.step()
    assert x.item() == pytest.approx(1 - 0.1 - 0.05)


def test_parameters_without_a_gradient_are_left_alone() -> None:
    x = nn.Parameter(torch.ones(2))
    OBProxSG([x], 0.1, 1.0, steps_per_epoch=1, prox_epochs=1).step()
    assert x.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    "change",
    [{"lr": -1.0}, {"lambda_": -1.0}, {"eps": math.nan}, {"epochSize": 0}, {"Np": 0, "No": 0}],
)
def test_options_out_of_range_are_refused(change: dict[str, float]) -> None:
    options: dict[str, Any] = {"lr": 0.1, "lambda_": 0.1, "epochSize": 1, "Np": 1}
    with pytest.raises(ValueError, match="OBProxSG needs"):
        OBProxSG([nn.Parameter(torch.ones(1))], **copy.copy(options) | change)


def test_the_names_of_the_release_are_accepted_as_arguments_in_groups_and_in_states() -> None:
    x = [nn.Parameter(torch.ones(1)) for _ in range(2)]
    ours = OBProxSG([x[0]], 0.1, 0.1, steps_per_epoch=7, prox_epochs=2, orthant_epochs=3)
    theirs = OBProxSG([{"params": [x[1]], "Np": 2}], 0.1, 0.1, epochSize=7, Np=1, No=3)
    assert ours.state_dict() == theirs.state_dict()
    names = {"steps_per_epoch": "epochSize", "prox_epochs": "Np", "orthant_epochs": "No"}
    old = ours.state_dict()
    old["param_groups"] = [{names.get(k, k): v for k, v in g.items()} for g in old["param_groups"]]
    theirs.load_state_dict(old)
    assert ours.state_dict() == theirs.state_dict()


@pytest.mark.parametrize(
    "options",
    [
        {"epochSize": 1, "steps_per_epoch": 1, "prox_epochs": 1},
        {"steps_per_epoch": 1, "prox_epochs": 1, "nesterov": 1.0},
        {"prox_epochs": 1},
    ],
)
def test_missing_unknown_or_doubled_arguments_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="OBProxSG"):
        OBProxSG([nn.Parameter(torch.ones(1))], 0.1, 0.1, **options)


def test_sparse_gradients_are_refused() -> None:
    table = nn.Embedding(3, 2, sparse=True)
    optimizer = OBProxSG(table.parameters(), 0.1, 0.1, steps_per_epoch=1, prox_epochs=1)
    table(torch.tensor([0])).sum().backward()
    with pytest.raises(ValueError, match="dense gradients"):
        optimizer.step()

"""Smaller modules from any module: topology, losslessness, warm starts and bad input."""

import copy
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cdfi.compression.budget import Budget
from cdfi.compression.density import density
from cdfi.compression.derive import derive
from cdfi.compression.remove_zeros import remove_zeros
from cdfi.compression.tracing.call import Call
from cdfi.compression.tracing.graph import Graph
from tests.compression.zoo import ZOO, Residual, build, conv, example


def halves(model: nn.Module) -> dict[str, float]:
    return {row.name: 0.5 for row in density(model)}


def count(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


class Chain(nn.Module):
    """Two convolutions with a function of the user's between them."""

    def __init__(self, between: object, width: int = 8) -> None:
        super().__init__()
        self.first, self.last = conv(3, width), conv(width, 3)
        self.between = between

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.between(self.first(x)))  # type: ignore[operator]


@pytest.mark.parametrize("name", ZOO)
def test_a_derived_module_keeps_its_topology_trains_and_exports(name: str) -> None:
    model = build(name)
    small, _, before, after = derive(model, (example(),), halves(model))
    assert count(small) == after.parameters < before.parameters == count(model)
    assert [n for n, _ in small.named_parameters()] == [n for n, _ in model.named_parameters()]
    result = small.train()(example())
    result.square().mean().backward()
    assert all(p.grad is not None for p in small.parameters())
    exported = torch.export.export(small.eval(), (example(),)).module()
    torch.testing.assert_close(exported(example()), small(example()))


@pytest.mark.parametrize("name", ZOO)
def test_density_one_changes_nothing(name: str) -> None:
    model = build(name)
    same = derive(model, (example(),), {row.name: 1.0 for row in density(model)}).module
    assert count(same) == count(model)
    torch.testing.assert_close(same(example()), model(example()))


@pytest.mark.parametrize("name", ["Residual", "Shuffle", "Flow", "Siamese"])
@torch.no_grad()
def test_removing_zero_channels_is_lossless(name: str) -> None:
    model = build(name)
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)) and module.out_channels > 3:
            rows = module.weight if isinstance(module, nn.Conv2d) else module.weight.transpose(0, 1)
            rows[:4] = 0
            assert module.bias is not None
            module.bias[:4] = 0
        if isinstance(module, nn.BatchNorm2d):
            module.weight[:4] = 0
            module.bias[:4] = 0
    small = remove_zeros(model, (example(),))
    assert count(small) < count(model)
    torch.testing.assert_close(small(example()), model(example()), atol=1e-5, rtol=0)


@torch.no_grad()
def test_remove_zeros_removes_unread_channels_with_any_bias() -> None:
    model = Chain(F.relu)
    model.last.weight[:, 2:5] = 0
    small = remove_zeros(model, (example(),))
    assert small.first.out_channels == 5
    torch.testing.assert_close(small(example()), model(example()), atol=1e-5, rtol=0)


@torch.no_grad()
def test_remove_zeros_removes_negative_constants_before_a_relu() -> None:
    model = Chain(F.relu)
    model.first.weight[2:5] = 0
    model.first.bias[2:5] = -1  # type: ignore[index]
    assert remove_zeros(model, (example(),)).first.out_channels == 5


@torch.no_grad()
def test_remove_zeros_keeps_constants_next_to_zero_padding() -> None:
    model = Chain(F.relu)
    model.first.weight[2:5] = 0
    model.first.bias[2:5] = 1  # type: ignore[index]
    small = remove_zeros(model, (example(),))
    assert small.first.out_channels == 8
    torch.testing.assert_close(small(example()), model(example()))


@torch.no_grad()
def test_remove_zeros_keeps_zeros_before_a_sigmoid_or_a_norm() -> None:
    for between in (torch.sigmoid, nn.GroupNorm(2, 8), nn.BatchNorm2d(8)):
        model = Chain(between).eval()
        model.first.weight[2:5] = 0
        model.first.bias[2:5] = 0  # type: ignore[index]
        if isinstance(between, nn.BatchNorm2d):
            nn.init.constant_(between.bias, 0.5)
        small = remove_zeros(model, (example(),))
        torch.testing.assert_close(small(example()), model(example()), atol=1e-5, rtol=0)
        assert small.first.out_channels == 8


def test_a_warm_start_keeps_the_largest_channels() -> None:
    model = Chain(F.relu)
    with torch.no_grad():
        model.first.weight[[1, 4, 6]] *= 100
    densities = {"first": 0.15, "last": 1.0}
    warm = derive(model, (example(),), densities).module
    assert torch.equal(warm.first.weight, model.first.weight[[1, 4, 6]])
    assert torch.equal(warm.last.weight, model.last.weight[:, [1, 4, 6]])
    cold = derive(model, (example(),), densities, warm_start=False).module
    assert not torch.equal(cold.first.weight, warm.first.weight)


@pytest.mark.parametrize(("rule", "width"), [("min", 2), ("max", 6), ("mean", 4)])
def test_the_rule_decides_where_layers_disagree(rule: str, width: int) -> None:
    densities = {"first": 0.1, "last": 0.6}  # floor(8 sqrt(d)) = 2 and 6
    small = derive(Chain(F.relu), (example(),), densities, rule=rule).module
    assert small.first.out_channels == small.last.in_channels == width


def test_widths_are_rounded_up_to_a_multiple() -> None:
    densities = {"first": 0.1, "last": 0.6}
    model = Chain(F.relu, width=40)
    assert derive(model, (example(),), densities, round_to=8).module.first.out_channels == 16
    assert derive(model, (example(),), densities, round_to=64).module.first.out_channels == 40


def test_protected_layers_keep_their_width() -> None:
    model = build("Residual")
    small = derive(model, (example(),), halves(model), protected=["up"]).module
    assert small.up.out_channels == 6
    assert small.first.out_channels < 8


def test_a_budget_scales_all_densities_by_one_factor() -> None:
    model = build("Residual")
    wish = Budget(parameters=500)
    small, factor, _, after = derive(model, (example(),), halves(model), budget=wish)
    assert count(small) == after.parameters <= 500
    assert 0 < factor < 1
    scaled = {name: d * factor for name, d in halves(model).items()}
    assert count(derive(model, (example(),), scaled).module) == count(small)


def test_a_budget_of_operations_is_met() -> None:
    model = build("Residual")
    full = derive(model, (example(),), halves(model)).before.flops
    small = derive(model, (example(),), halves(model), budget=Budget(flops=full // 4))
    assert small.after.flops <= full // 4


def test_the_model_itself_is_left_as_it_is() -> None:
    model = build("Residual").train()
    before = copy.deepcopy(model.state_dict())
    derive(model, (example(),), halves(model))
    assert model.training
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_channels_before_a_numbered_slice_stay() -> None:
    model = Chain(lambda x: F.pad(x[:, 2:6], (0, 0, 0, 0, 2, 2)))
    small = derive(model, (example(),), halves(model)).module
    assert torch.equal(small.first.weight[:6], model.first.weight[:6])
    model = Chain(lambda x: x[:, :8] * 2)
    assert derive(model, (example(),), halves(model)).module.first.out_channels < 8


def test_an_operation_without_a_rule_is_refused_with_the_layer_and_remedies() -> None:
    model = Chain(lambda x: torch.renorm(x, 2, 1, 1))
    with pytest.raises(ValueError, match=r"'first' go into 'renorm'.*protected"):
        derive(model, (example(),), halves(model))
    kept = derive(model, (example(),), halves(model), protected=["first"]).module
    assert kept.first.out_channels == 8

    def rule(graph: Graph, call: Call) -> bool:
        channels = graph.channels_of(call.args[0])
        assert channels is not None
        graph.set_channels(call.result, channels.dim, channels.ids)
        return True

    small = derive(model, (example(),), halves(model), extra={"renorm": rule}).module
    assert small.first.out_channels < 8


def test_a_model_that_stops_on_its_example_cannot_be_traced() -> None:
    with pytest.raises(ValueError, match=r"cannot be traced.*RuntimeError"):
        derive(Residual(), (torch.rand(1, 4, 8, 8),), {})


class Tied(nn.Module):
    """Two convolutions that share a weight, and a matrix that two layers read."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.a, self.b = nn.Embedding(9, 12), nn.Conv1d(12, 12, 1), nn.Conv1d(12, 12, 1)
        self.head = nn.Linear(12, 9, bias=False)
        self.b.weight, self.head.weight = self.a.weight, self.table.weight

    def forward(self, x: Tensor) -> Tensor:
        y = self.table(x).mT
        result: Tensor = self.head(F.relu(self.b(F.relu(self.a(y)))).mT)
        return result


@torch.no_grad()
def test_layers_that_share_a_weight_shrink_together() -> None:
    model, words = Tied().eval(), (torch.arange(8).view(2, 4),)
    densities = {row.name: 0.25 for row in density(model)}
    assert densities.keys() == {"a", "head"}
    small: Any = derive(model, words, densities).module
    assert small.b.weight is small.a.weight
    assert small.head.weight is small.table.weight
    assert small.a.weight.shape == (6, 6, 1)
    assert derive(model, words, {"a": 0.25}, protected=["b"]).module.a.out_channels == 12
    for parameter in (model.a.weight, model.a.bias, model.b.bias):
        parameter[:3] = 0  # type: ignore[index]
    model.table.weight[:, :3] = 0
    assert remove_zeros(model, words).table.weight.shape == (9, 9)  # type: ignore[union-attr]


def test_nan_weights_are_refused_by_name() -> None:
    model = Chain(F.relu)
    nn.init.constant_(model.last.weight, float("nan"))
    with pytest.raises(ValueError, match="'last' hold NaN"):
        derive(model, (example(),), {})


@pytest.mark.parametrize(
    ("densities", "options", "message"),
    [
        ({"nobody": 0.5}, {}, "'nobody' that the model does not have"),
        ({"first": 1.5}, {}, r"in \[0, 1\]"),
        ({"first": float("nan")}, {}, r"in \[0, 1\]"),
        ({"first": 0.5}, {"rule": "median"}, "min, max, mean"),
        ({"first": 0.5}, {"round_to": 0}, "at least 1"),
        ({"first": 0.5}, {"protected": ["head"]}, "protected names 'head'"),
        ({"first": 0.5}, {"budget": Budget(parameters=3)}, "no network of this topology"),
    ],
)
def test_impossible_choices_are_refused(
    densities: dict[str, float], options: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        derive(Chain(F.relu), (example(),), densities, **options)  # type: ignore[arg-type]

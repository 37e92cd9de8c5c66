"""Compression is never silently wrong: it raises, or the output stays the same."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cdfi.compression import obproxsg, regrow
from cdfi.compression.density import density
from cdfi.compression.derive import derive
from cdfi.compression.remove_zeros import remove_zeros
from cdfi.compression.verify import difference, random_like
from tests.compression.messages import remedy
from tests.compression.zoo import conv, example


class Between(nn.Module):
    """Two convolutions with a function between them, and one of the outputs."""

    def __init__(
        self, between: Callable[[Tensor], Tensor], after: Callable[[Tensor], Any] = lambda y: y
    ) -> None:
        super().__init__()
        self.first, self.last = conv(3, 8), conv(8, 6)
        self.between, self.after = between, after

    def forward(self, x: Tensor) -> Any:
        return self.after(self.last(self.between(self.first(x))))


@torch.no_grad()
def with_zeros(model: Any) -> Any:
    model.first.weight[2:5] = 0
    model.first.bias[2:5] = 0  # type: ignore[index]
    return model.eval()


@pytest.mark.parametrize(
    "between",
    [
        lambda y: y * (y > 0),
        lambda y: y * (y <= 0.3),
        lambda y: y * y.sign(),
        lambda y: torch.nan_to_num(y),
        lambda y: torch.where(y > 0.1, y, torch.zeros_like(y)),
        lambda y: y.clamp(-0.2, 0.4),
        lambda y: y * (y.abs() < 2).float(),
    ],
)
def test_channels_that_vary_are_not_taken_for_constants(
    between: Callable[[Tensor], Tensor],
) -> None:
    model = with_zeros(Between(between))
    small = remove_zeros(model, (example(),))
    assert small.first.out_channels == 5  # the zeros alone
    torch.testing.assert_close(small(example()), model(example()), atol=1e-5, rtol=0)
    same = derive(model, (example(),), {row.name: 1.0 for row in density(model)}).module
    torch.testing.assert_close(same(example()), model(example()), atol=1e-5, rtol=0)


def changed_by_a_view(y: Tensor) -> Tensor:
    y.view(len(y), -1).add_(0.5)
    return y


def changed_by_a_slice(y: Tensor) -> Tensor:
    y[:, :, 1:].sub_(0.5)
    return y.relu_()


@pytest.mark.parametrize("between", [changed_by_a_view, changed_by_a_slice])
def test_zeros_that_are_changed_in_place_are_not_removed(
    between: Callable[[Tensor], Tensor],
) -> None:
    model = with_zeros(Between(between))
    small = remove_zeros(model, (example(),))
    assert small.first.out_channels == 8
    assert derive(model, (example(),), {"first": 0.25, "last": 0.25}).module.first.out_channels == 4


@dataclass
class Result:
    """An output that pytree does not open."""

    picture: Tensor


class Plain:
    """Another one."""

    def __init__(self, picture: Tensor) -> None:
        self.pictures = [picture]


@pytest.mark.parametrize("container", [Result, Plain, lambda y: {"a": [y]}])
def test_outputs_of_any_class_keep_their_channels(container: Callable[[Tensor], Any]) -> None:
    model = Between(F.relu, container)
    small = derive(model, (example(),), {row.name: 0.5 for row in density(model)}).module
    assert small.first.out_channels < 8
    assert small.last.out_channels == 6


@torch.jit.script
def scripted(y: Tensor) -> Tensor:
    return y * 2


class Hidden(torch.autograd.Function):
    """An operation in numpy."""

    @staticmethod
    def forward(ctx: Any, y: Tensor) -> Tensor:
        return torch.from_numpy(np.tanh(y.numpy()))


@pytest.mark.parametrize(
    "between",
    [lambda y: scripted(y), Hidden.apply, lambda y: torch.from_numpy(np.tanh(y.detach().numpy()))],
)
def test_code_that_the_trace_does_not_see_is_refused_or_keeps_its_input(
    between: Callable[[Tensor], Tensor],
) -> None:
    model = with_zeros(Between(between))
    halves = {row.name: 0.5 for row in density(model)}
    try:
        small = derive(model, (example(),), halves).module
    except ValueError as error:
        assert "'first'" in str(error)
        assert "protected" in str(error)
        small = derive(model, (example(),), halves, protected=["first"]).module
    assert small.first.out_channels == 8
    small(example())


def test_an_output_that_the_trace_does_not_see_is_refused() -> None:
    model = Between(F.relu, lambda y: scripted(y))
    with pytest.raises(ValueError, match="no tensor that the trace could follow"):
        derive(model, (example(),), {})


class Summed(nn.Module):
    """Channels that a sum reads, or a norm over channels."""

    def __init__(self, read: Callable[[Tensor], Tensor], width: int) -> None:
        super().__init__()
        self.first, self.last, self.read = conv(3, 8), conv(width, 3), read

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.read(self.first(x)))


@pytest.mark.parametrize(
    ("read", "width"),
    [(lambda y: y.sum(1, keepdim=True), 1), (lambda y: F.normalize(y, dim=1), 8)],
)
def test_regrow_leaves_zeros_that_something_else_reads(
    read: Callable[[Tensor], Tensor], width: int
) -> None:
    model = with_zeros(Summed(read, width))
    before = model(example())
    assert regrow(model, (example(),)) == 0
    torch.testing.assert_close(model(example()), before)


@torch.no_grad()
def test_a_width_that_the_code_reads_is_found_by_its_values() -> None:
    model = with_zeros(Between(lambda y: y / y.shape[1] ** 0.5))
    with pytest.raises(ValueError, match=r"changes the output.*protected=\('first',\)"):
        remove_zeros(model, (example(),))
    assert remove_zeros(model, (example(),), protected=["first"]).first.out_channels == 8


class TrainingHead(nn.Module):
    """A head that runs in training mode only."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last, self.head = conv(3, 8), conv(8, 3), conv(8, 1)

    def forward(self, x: Tensor) -> Any:
        y = F.relu(self.first(x))
        return (self.last(y), self.head(y)) if self.training else self.last(y)


@torch.no_grad()
def test_values_are_compared_in_training_mode_too() -> None:
    class Mean(Between):
        def forward(self, x: Tensor) -> Any:
            y = F.relu(self.first(x))
            return self.last(y - y.mean(1, keepdim=True) if self.training else y)

    model = with_zeros(Mean(F.relu))
    with pytest.raises(ValueError, match=r"changes the output.*protected=\('first',\)"):
        remove_zeros(model, (example(),))
    assert remove_zeros(model, (example(),), protected=["first"]).first.out_channels == 8


def test_a_model_that_keeps_a_state_is_refused_with_the_reason() -> None:
    class State(Between):
        before: Any = 0.0

        def forward(self, x: Tensor) -> Any:
            self.before = self.between(self.first(x)) + self.before
            return self.last(self.before)

    model = with_zeros(State(torch.tanh))
    with pytest.raises(ValueError, match="two runs of the model on one input differ"):
        derive(model, (example(),), {"first": 1.0})


def test_a_mask_that_the_code_makes_keeps_the_width() -> None:
    def masked(y: Tensor) -> Tensor:
        mask = torch.ones(1, y.shape[1], 1, 1)
        mask[:, : y.shape[1] // 2] = -1
        return y * mask

    model = with_zeros(Between(masked))
    with pytest.warns(UserWarning, match="no width has shrunk"):
        derive(model, (example(),), {"first": 0.25})


def test_a_head_that_did_not_run_is_named_and_refused_if_it_breaks() -> None:
    model = TrainingHead()
    halves = {row.name: 0.5 for row in density(model)}
    with (
        pytest.warns(UserWarning, match="'head'"),
        pytest.raises(ValueError, match="does not run in training mode"),
    ):
        derive(model, (example(),), halves)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        small = derive(model, (example(),), halves, protected=["first"]).module
    assert len(small.train()(example())) == 2


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("prox_epochs", [0, 1])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gradients_that_are_not_finite_are_refused(
    bad: float, prox_epochs: int, dtype: torch.dtype
) -> None:
    x = nn.Parameter(torch.ones(5, dtype=dtype))
    optimizer = obproxsg.OBProxSG([x], 0.1, 0.1, steps_per_epoch=1, prox_epochs=prox_epochs)
    x.grad = torch.tensor([0, 0, bad, 0, 0], dtype=dtype)
    with pytest.raises(ValueError, match="gradient is not finite"):
        optimizer.step()
    assert torch.equal(x, torch.ones(5, dtype=dtype))


def test_all_refusals_are_reported_at_once_with_names_that_protected_accepts() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.norm, self.b, self.last = (
                conv(3, 8),
                nn.BatchNorm2d(8),
                conv(8, 8),
                conv(8, 3),
            )

        def forward(self, x: Tensor) -> Tensor:
            y = torch.renorm(self.norm(self.a(x)), 2, 1, 1)
            return self.last(F.local_response_norm(self.b(y), 2))

    model = Two().eval()
    with pytest.raises(ValueError, match="'renorm'.*'local_response_norm'") as error:
        derive(model, (example(),), {})
    protected = remedy(error.value)
    assert protected == ("a", "b")
    derive(model, (example(),), {}, protected=protected)


def test_the_example_is_not_changed_by_a_model_that_works_in_place() -> None:
    model = Between(F.relu)
    original = example()
    inputs = original.clone()
    model.register_forward_pre_hook(lambda _, args: (args[0].mul_(2),))
    derive(model, (inputs,), {row.name: 0.5 for row in density(model)})
    assert torch.equal(inputs, original)


def test_random_inputs_keep_shape_type_and_range() -> None:
    values = (torch.linspace(2, 5, 24).view(2, 3, 4), torch.arange(3), {"a": torch.zeros(2)}, "x")
    first, second, third, text = random_like(values)
    assert first.shape == (2, 3, 4)
    assert 2 <= first.min() < first.max() <= 5
    assert torch.equal(second, torch.arange(3))
    assert third["a"].abs().max() > 0
    assert text == "x"


def test_a_difference_is_relative_to_the_output() -> None:
    model, other = nn.Linear(3, 2), nn.Linear(3, 2)
    other.load_state_dict(model.state_dict())
    assert difference(model, other, (torch.rand(4, 3),)) == 0
    with torch.no_grad():
        other.weight += 1e-2
    assert difference(model, other, (torch.rand(4, 3),)) > 1


class Classifier(nn.Module):
    """The commonest end of an image classifier: flatten by view, dropout, linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.features, self.hidden = conv(3, 8), nn.Linear(8 * 4 * 4, 10)
        self.drop, self.classes = nn.Dropout(0.5), nn.Linear(10, 5)

    def forward(self, x: Tensor) -> Tensor:
        y = F.adaptive_avg_pool2d(F.relu(self.features(x)), 4)
        y = y.view(y.size(0), -1)
        return self.classes(self.drop(F.relu(self.hidden(y))))


class TokenMlp(nn.Module):
    """Dropout on (N, L, C), as in every transformer."""

    def __init__(self) -> None:
        super().__init__()
        self.up, self.drop, self.down = nn.Linear(6, 16), nn.Dropout(0.1), nn.Linear(16, 6)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.down(self.drop(F.gelu(self.up(x))))


@torch.no_grad()
def test_a_flatten_by_view_and_dropout_of_tokens_are_followed() -> None:
    model = Classifier().eval()
    model.features.weight[:2] = 0
    model.features.bias[:2] = 0  # type: ignore[index]
    small = remove_zeros(model, (example(),))
    assert (small.features.out_channels, small.hidden.in_features) == (6, 6 * 16)
    torch.testing.assert_close(small(example()), model(example()), atol=1e-5, rtol=0)
    tokens = TokenMlp().eval()
    small = derive(tokens, (torch.rand(2, 5, 6),), {"up": 0.25, "down": 0.25}).module
    assert small.up.out_features == 8


class Sequence(nn.Module):
    """A function between two linear layers on tokens, (N, L, C)."""

    def __init__(self, between: Callable[[Tensor], Tensor], width: int = 8) -> None:
        super().__init__()
        self.up, self.down, self.between = nn.Linear(6, 8), nn.Linear(width, 6), between

    def forward(self, x: Tensor) -> Tensor:
        return self.down(self.between(self.up(x)))


@pytest.mark.parametrize(
    ("between", "width"),
    [
        (lambda y: F.glu(y), 4),
        (lambda y: F.glu(y.transpose(1, 2), 2).transpose(1, 2), 8),
        (nn.RMSNorm(8), 8),
        (lambda y: y.masked_fill(y < 0, 0.5), 8),
        (lambda y: torch.cat([y[:, :1] * 2, y], 1), 8),
        (lambda y: torch.channel_shuffle(y.permute(0, 2, 1)[..., None], 2)[..., 0].mT, 8),
    ],
)
def test_common_operations_on_tokens_are_followed(
    between: Callable[[Tensor], Tensor], width: int
) -> None:
    model, tokens = Sequence(between, width).eval(), torch.rand(2, 4, 6)
    small = derive(model, (tokens,), {"up": 0.25, "down": 0.25}).module
    assert small.up.out_features == 4
    assert small.down.in_features == width // 2
    same = derive(model, (tokens,), {"up": 1.0}).module
    torch.testing.assert_close(same(tokens), model(tokens))


@torch.no_grad()
def test_removing_zeros_under_these_operations_is_exact() -> None:
    for between, width in ((lambda y: F.glu(y), 4), (nn.RMSNorm(8), 8)):
        model, tokens = Sequence(between, width).eval(), torch.rand(2, 4, 6)
        model.up.weight[[1, 5]] = 0
        model.up.bias[[1, 5]] = 0
        small = remove_zeros(model, (tokens,))
        torch.testing.assert_close(small(tokens), model(tokens))


def test_a_token_of_its_own_pins_the_channels_it_is_joined_with() -> None:
    token = torch.rand(1, 1, 8)
    model = Sequence(lambda y: torch.cat([token.expand(len(y), -1, -1), y], 1))
    with pytest.warns(UserWarning, match=r"no width has shrunk.*concatenated with a tensor"):
        small = derive(model, (torch.rand(2, 4, 6),), {"up": 0.25, "down": 0.25}).module
    assert small.up.out_features == 8


def test_layers_that_cannot_be_followed_are_kept_on_demand() -> None:
    model = Between(lambda y: torch.renorm(y, 2, 1, 1))
    halves = {row.name: 0.5 for row in density(model)}
    with pytest.raises(ValueError, match='on_unknown="protect"'):
        derive(model, (example(),), halves)
    with pytest.warns(UserWarning, match=r"'first' \('renorm' at"):
        small = derive(model, (example(),), halves, on_unknown="protect").module
    assert small.first.out_channels == 8
    with pytest.warns(UserWarning, match="'first'"):
        remove_zeros(model, (example(),), on_unknown="protect")
    with pytest.raises(ValueError, match="on_unknown is one of error, protect, got 'ask'"):
        derive(model, (example(),), halves, on_unknown="ask")  # type: ignore[arg-type]

"""Messages name the operation, the module and the line, and a remedy that works."""

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cdfi.compression import density, derive, remove_zeros
from tests.compression.messages import remedy

EXAMPLE = (torch.rand(2, 3, 8, 8),)


class Block(nn.Module):
    """A part of a network whose code fails in several ways."""

    def __init__(self, code: Callable[[Any, Tensor], Any]) -> None:
        super().__init__()
        self.code, self.a, self.b = code, nn.Conv2d(3, 8, 1), nn.Conv2d(8, 3, 1)

    def forward(self, x: Tensor) -> Any:
        return self.code(self, x)


class Outer(nn.Module):
    def __init__(self, code: Callable[[Any, Tensor], Any]) -> None:
        super().__init__()
        self.block = Block(code)

    def forward(self, x: Tensor) -> Any:
        return self.block(x)


def unknown(block: Any, x: Tensor) -> Any:
    return block.b(torch.renorm(block.a(x), 2, 1, 1))


def unknown_inside_torch(block: Any, x: Tensor) -> Any:
    return block.b(nn.LocalResponseNorm(2)(F.relu(block.a(x))))


def of_a_width(block: Any, x: Tensor) -> Any:
    return block.b(block.a(x)), x.new_zeros(block.a.out_channels)


def in_training(block: Any, x: Tensor) -> Any:
    y = F.relu(block.a(x))
    return (block.b(y), y.movedim(1, -1) @ torch.ones(8, 2)) if block.training else block.b(y)


def of_a_value(block: Any, x: Tensor) -> Any:
    return block.b(block.a(x) / block.a.out_channels)


def line_of(code: Callable[..., Any], text: str) -> str:
    lines, first = inspect.getsourcelines(code)
    number = next(i for i, line in enumerate(lines) if text in line)
    return f"test_messages.py:{first + number}"


def halves(model: nn.Module) -> dict[str, float]:
    return {row.name: 0.25 for row in density(model)}


@pytest.mark.parametrize("code", [unknown, unknown_inside_torch])
def test_an_unknown_operation_is_named_with_its_line_and_module(
    code: Callable[[Any, Tensor], Any],
) -> None:
    model = Outer(code)
    with pytest.raises(ValueError, match="'block.a' go into") as error:
        derive(model, EXAMPLE, halves(model))
    assert f"at {line_of(code, 'return')} in 'block" in str(error.value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert derive(model, EXAMPLE, halves(model), protected=remedy(error.value)).reasons
        assert derive(model, EXAMPLE, halves(model), on_unknown="protect").reasons


@pytest.mark.parametrize(
    ("code", "message"),
    [(of_a_width, "returns shapes"), (in_training, "does not run in training mode")],
)
@pytest.mark.filterwarnings("ignore:no width has shrunk")
def test_a_smaller_module_that_fails_names_the_layers_to_protect(
    code: Callable[[Any, Tensor], Any], message: str
) -> None:
    model = Outer(code)
    with pytest.raises(ValueError, match=message) as error:
        derive(model, EXAMPLE, halves(model))
    assert remedy(error.value) == ("block.a",)
    small: Any = derive(model, EXAMPLE, halves(model), protected=remedy(error.value)).module
    assert small.block.a.out_channels == 8
    small.train()(*EXAMPLE)


@torch.no_grad()
def test_a_width_among_the_values_names_the_layers_to_protect() -> None:
    model: Any = Outer(of_a_value)
    model.block.a.weight[:4] = 0
    model.block.a.bias[:4] = 0
    with pytest.raises(ValueError, match="changes the output") as error:
        remove_zeros(model, EXAMPLE)
    assert remedy(error.value) == ("block.a",)
    assert remove_zeros(model, EXAMPLE, protected=remedy(error.value)).block.a.out_channels == 8


def test_code_that_needs_a_width_of_another_module_names_the_layers_to_protect() -> None:
    first = nn.Conv2d(3, 8, 1)

    class Check(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            if peer[0].out_channels != 8:
                raise RuntimeError("expected eight channels")
            return x * 1

    class Model(nn.Sequential):
        def forward(self, x: Tensor) -> Tensor:
            peer[0] = self[0]
            result: Tensor = super().forward(x)
            return result

    peer: list[Any] = [first]
    model = Model(first, nn.Conv2d(8, 3, 1), Check())
    with pytest.raises(ValueError, match=r"'2' depends on a width.*expected eight") as error:
        derive(model, EXAMPLE, {"0": 0.25})
    assert line_of(Check.forward, "raise") in str(error.value)
    with pytest.warns(UserWarning, match="no width has shrunk"):
        derive(model, EXAMPLE, {"0": 0.25}, protected=remedy(error.value))


def test_a_model_that_stops_names_the_module_and_the_line() -> None:
    def stops(block: Any, x: Tensor) -> Any:
        return block.b(x)

    with pytest.raises(ValueError, match="cannot be traced: it stops on the example") as error:
        derive(Outer(stops), EXAMPLE, {})
    assert f"in 'block.b' at {line_of(stops, 'return')}" in str(error.value)


def test_a_reason_has_the_line_that_fixed_the_width() -> None:
    def selects(block: Any, x: Tensor) -> Any:
        return block.b(F.pad(block.a(x)[:, 1:], (0, 0, 0, 0, 0, 1)))

    model = Outer(selects)
    with pytest.warns(UserWarning, match="selected by a number in the code"):
        reasons = derive(model, EXAMPLE, halves(model)).reasons
    assert line_of(selects, "return") in reasons["block.a"]


def test_a_warning_is_that_of_the_line_that_called() -> None:
    model = Outer(unknown)
    with pytest.warns(UserWarning, match="no width|kept the widths") as found:
        derive(model, EXAMPLE, halves(model), on_unknown="protect")
    assert {warning.filename for warning in found} == {__file__}

"""AdaCoF: what it computes on simple inputs, its rows, and which gradients are computed."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from cdfi.ops import adacof, adacof_reference, adacof_rows
from tests.ops.operations import Case, adacof_inputs

Warp = Callable[..., Tensor]
both_roundings = pytest.mark.parametrize("rounding", ["floor", "trunc"])


def arguments(case: Case) -> list[Tensor]:
    torch.manual_seed(0)
    return [x.float().requires_grad_() for x in adacof_inputs(case)]


def test_truncation_extrapolates_negative_offsets() -> None:
    image = torch.tensor([10.0, 20.0, 40.0]).view(1, 1, 1, 3)
    zero = torch.zeros(1, 1, 1, 3)
    result = adacof(image, zero + 1, zero, zero - 0.3, rounding="trunc")
    expected = torch.tensor([1.3 * 10 - 0.3 * 20, 1.3 * 20 - 0.3 * 40, 40.0])
    torch.testing.assert_close(result.flatten(), expected)


def test_zero_offsets_and_equal_weights_average_the_window() -> None:
    image = torch.rand(1, 3, 8, 9)
    zero = torch.zeros(1, 9, 6, 7)
    expected = torch.nn.functional.avg_pool2d(image, 3, stride=1)
    torch.testing.assert_close(adacof(image, zero + 1 / 9, zero, zero), expected)


@both_roundings
def test_integer_offsets_equal_the_reference(rounding: str) -> None:
    image, weight, *offsets = (x.detach() for x in arguments(Case(reach=6.0)))
    maps = (weight, *(offset.round() for offset in offsets))
    expected = adacof_reference(image, *maps, rounding=rounding)
    torch.testing.assert_close(adacof(image, *maps, rounding=rounding), expected)


def test_only_the_requested_gradients_are_computed() -> None:
    image, *maps = arguments(Case())
    frame = image.detach()
    adacof(frame, *maps).sum().backward()
    assert frame.grad is None
    assert all(m.grad is not None for m in maps)


def test_the_input_alone_can_have_a_gradient() -> None:
    image, *maps = arguments(Case())
    fixed = [m.detach() for m in maps]
    ours, theirs = (
        torch.autograd.grad(warp(image, *fixed).square().sum(), image)[0]
        for warp in (adacof, adacof_reference)
    )
    torch.testing.assert_close(ours, theirs)


@both_roundings
@pytest.mark.parametrize("warp", [adacof_rows, adacof_reference])
def test_rows_equal_the_complete_result_bit_for_bit(warp: Warp, rounding: str) -> None:
    case = Case(channels=5, dilation=2, size=(9, 6), reach=40.0)
    image, *maps = arguments(case)
    settings = {"dilation": 2, "rounding": rounding}
    parts = [
        warp(image, *(m[:, :, row : row + 4] for m in maps), row=row, **settings)
        for row in range(0, 9, 4)
    ]
    assert torch.equal(torch.cat(parts, 2), warp(image, *maps, row=0, **settings))


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_offsets_that_are_not_finite_read_inside_the_input(value: float) -> None:
    image, weight, *offsets = (x.detach() for x in arguments(Case()))
    for offset in offsets:
        offset[:, :, 2, 3] = value
    result = adacof(image, weight, *offsets)
    assert result[:, :, 2, 3].isnan().all()  # the fraction is NaN
    result[:, :, 2, 3] = 0
    assert result.isfinite().all()

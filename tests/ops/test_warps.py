"""The warps and the feature match: NaN and infinite flows, zero flows, wrong shapes."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from cdfi.ops import (
    cubic_warp,
    cubic_warp_reference,
    match_features,
    match_features_reference,
    warp,
    warp_reference,
)


def _warp_inputs(size: tuple[int, int], dtype: torch.dtype) -> list[Any]:
    return [torch.randn(2, 5, *size, dtype=dtype), _flow(size, dtype)]


def _cubic_inputs(size: tuple[int, int], dtype: torch.dtype) -> list[Any]:
    sharpness = 2 * torch.rand(2, 1, *size, dtype=dtype)
    return [torch.rand(2, 3, *size, dtype=dtype), _flow(size, dtype), sharpness]


def _match_inputs(size: tuple[int, int], dtype: torch.dtype) -> list[Any]:
    features = [torch.randn(2, 6, *size, dtype=dtype) for _ in range(2)]
    return [*features, _flow(size, dtype), _flow(size, dtype), 2]


def _flow(size: tuple[int, int], dtype: torch.dtype) -> Tensor:
    return 4 * torch.randn(2, 2, *size, dtype=dtype)


OPERATIONS: dict[str, tuple[Callable[..., Tensor], Callable[..., Tensor], Callable[..., Any]]] = {
    "warp": (warp, warp_reference, _warp_inputs),
    "cubic_warp": (cubic_warp, cubic_warp_reference, _cubic_inputs),
    "match_features": (match_features, match_features_reference, _match_inputs),
}
each = pytest.mark.parametrize("name", list(OPERATIONS))


@each
def test_positions_far_outside_and_nan_equal_the_reference(name: str) -> None:
    torch.manual_seed(1)
    operation, reference, make = OPERATIONS[name]
    inputs = make((6, 5), torch.float32)
    flow = inputs[1] if name != "match_features" else inputs[2]
    flow[0, 0, 0, 0], flow[0, 1, 1, 1], flow[1, 0, 2, 2] = float("nan"), 1e30, -1e30
    flow[1, 1, 3, 3] = float("inf")
    result = operation(*inputs)
    assert torch.isfinite(result).all()
    torch.testing.assert_close(result, reference(*inputs), atol=1e-4, rtol=1e-4)


def test_zero_flow_returns_the_image() -> None:
    image = torch.rand(1, 3, 5, 6)
    still = torch.zeros(1, 2, 5, 6)
    assert torch.equal(warp(image, still), image)
    torch.testing.assert_close(cubic_warp(image, still, torch.ones(1, 1, 5, 6)), image)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: warp(torch.rand(1, 3, 4, 4), torch.rand(1, 3, 4, 4)), "flow"),
        (lambda: warp(torch.rand(3, 4, 4), torch.rand(1, 2, 4, 4)), "image"),
        (
            lambda: cubic_warp(
                torch.rand(1, 3, 4, 4), torch.rand(1, 2, 4, 4), torch.rand(1, 2, 4, 4)
            ),
            "sharpness",
        ),
        (
            lambda: match_features(
                *torch.rand(2, 1, 3, 4, 4), *torch.rand(2, 1, 2, 4, 4), radius=0
            ),
            "radius",
        ),
        (
            lambda: match_features(
                torch.rand(1, 3, 4, 4), torch.rand(1, 2, 4, 4), *torch.rand(2, 1, 2, 4, 4), 1
            ),
            "one shape",
        ),
    ],
)
def test_wrong_shapes_are_refused(call: Callable[[], Tensor], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()

"""The warps and the feature match: kernels against references, gradients, odd inputs."""

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

SIZES = [(1, 1), (1, 7), (6, 5), (19, 33)]


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
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_kernel_equals_reference(name: str, size: tuple[int, int], dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    operation, reference, make = OPERATIONS[name]
    inputs = make(size, dtype)
    tolerance = 1e-4 if dtype == torch.float32 else 1e-11
    torch.testing.assert_close(
        operation(*inputs), reference(*inputs), atol=tolerance, rtol=tolerance
    )


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


@each
def test_non_contiguous_inputs_equal_contiguous_ones(name: str) -> None:
    torch.manual_seed(2)
    operation, _, make = OPERATIONS[name]
    inputs = make((6, 5), torch.float32)
    strided = [
        x.transpose(2, 3).contiguous().transpose(2, 3) if isinstance(x, Tensor) else x
        for x in inputs
    ]
    assert torch.equal(operation(*inputs), operation(*strided))


@each
def test_gradients_are_exact(name: str) -> None:
    torch.manual_seed(3)
    operation, _, make = OPERATIONS[name]
    inputs = make((4, 5), torch.float64)
    inputs = [x.requires_grad_() if isinstance(x, Tensor) else x for x in inputs]
    assert torch.autograd.gradcheck(operation, inputs)


@each
def test_operation_passes_opcheck(name: str) -> None:
    torch.manual_seed(4)
    inputs = OPERATIONS[name][2]((4, 5), torch.float32)
    inputs = [x.requires_grad_() if isinstance(x, Tensor) else x for x in inputs]
    torch.library.opcheck(getattr(torch.ops.cdfi, name).default, tuple(inputs))


@each
def test_threads_do_not_change_the_result(name: str) -> None:
    torch.manual_seed(5)
    operation, _, make = OPERATIONS[name]
    inputs = make((40, 12), torch.float32)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        single = operation(*inputs)
        torch.set_num_threads(3)
        assert torch.equal(single, operation(*inputs))
    finally:
        torch.set_num_threads(threads)


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

"""Compare operations with their references: values and gradients."""

import importlib
from typing import Any

import torch
from torch import Tensor

from tests.ops.operations import Case, Operation


def make(operation: Operation, case: Case, dtype: torch.dtype, device: str = "cpu") -> list[Tensor]:
    """The tensors of a case, of which those with a gradient require it."""
    torch.manual_seed(0)
    tensors = [x.to(device, dtype) for x in operation.inputs(case)]
    return [x.requires_grad_(i in operation.learned) for i, x in enumerate(tensors)]


def operation_module(name: str) -> Any:
    """The module of an operation; ``cdfi.ops.adacof`` is a function, not the package."""
    return importlib.import_module(f"cdfi.ops.{name}.op")


def outcome(results: tuple[Tensor, ...], tensors: list[Tensor]) -> list[Tensor]:
    """The results and the gradients of the tensors that require one."""
    learned = [x for x in tensors if x.requires_grad]
    if not learned:
        return list(results)
    random = torch.Generator().manual_seed(1)
    differentiable = [x for x in results if x.requires_grad]
    grads = [torch.randn(x.shape, generator=random).to(x) for x in differentiable]
    return [*results, *torch.autograd.grad(differentiable, learned, grads)]


def assert_equals_reference(
    operation: Operation, case: Case, tensors: list[Tensor], loose: float, close: float = 1.0
) -> None:
    """Compare with the reference in at least float32; ``close`` is the share that has to agree."""
    exact = [x.detach().to(torch.promote_types(x.dtype, torch.float32)) for x in tensors]
    exact = [y.requires_grad_(x.requires_grad) for x, y in zip(tensors, exact)]
    ours = outcome(operation.run(tensors, case), tensors)
    theirs = outcome(operation.reference(exact, case), exact)
    for found, expected in zip(ours, theirs, strict=True):
        assert found.shape == expected.shape
        scale = max(1.0, expected.detach().abs().max().item())
        found = found.to(expected.dtype)
        agree = torch.isclose(found, expected, rtol=loose, atol=loose * scale)
        if close == 1.0:
            torch.testing.assert_close(found, expected, rtol=loose, atol=loose * scale)
        assert agree.float().mean() >= close

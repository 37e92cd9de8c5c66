"""Every operation equals its reference: values and gradients, on every backend."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tests.ops.comparison import assert_equals_reference, make, operation_module, outcome
from tests.ops.operations import HALVES, OPERATIONS, ROWS, Case, Operation

LEARNED = [name for name, row in OPERATIONS.items() if row.learned]
REGISTERED = [
    name for name, row in OPERATIONS.items() if row.registered is not Operation.registered
]

#: The operations that call the reference for tensors without a kernel.
WITH_REFERENCE = [name for name in REGISTERED if hasattr(operation_module(name), "has_kernel")]

#: The cases that run in float64 as well. Others would only compile more kernels.
EXACT_CASES = ["default", "1x1", "13x11", "far", "truncated", "3 levels", "1 x 2 cells"]
LAYOUTS: dict[str, Callable[[Tensor], Tensor]] = {
    "channels last": lambda x: x.contiguous(memory_format=torch.channels_last),
    "sliced": lambda x: x.repeat_interleave(2, 3)[..., ::2],
    "transposed": lambda x: x.transpose(2, 3).contiguous().transpose(2, 3),
    "expanded": lambda x: x[:1].expand(2, -1, -1, -1),
}


@pytest.mark.parametrize(("name", "case"), ROWS)
def test_an_operation_equals_its_reference(name: str, case: str) -> None:
    operation = OPERATIONS[name]
    tensors = make(operation, operation.cases[case], torch.float32)
    assert_equals_reference(
        operation, operation.cases[case], tensors, operation.loose, operation.close
    )


@pytest.mark.parametrize(("name", "case"), [row for row in ROWS if row[1] in EXACT_CASES])
def test_an_operation_equals_its_reference_in_double_precision(name: str, case: str) -> None:
    operation = OPERATIONS[name]
    tensors = make(operation, operation.cases[case], torch.float64)
    assert_equals_reference(operation, operation.cases[case], tensors, 1e-9)


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_memory_layout_gives_the_same_values(name: str, layout: str) -> None:
    operation, case = OPERATIONS[name], Case(channels=16)
    tensors = [LAYOUTS[layout](x.detach()) for x in make(operation, case, torch.float32)]
    tensors = [x.requires_grad_(i in operation.learned) for i, x in enumerate(tensors)]
    assert_equals_reference(operation, case, tensors, operation.loose, operation.close)


@pytest.mark.parametrize(
    ("name", "rounding"),
    [
        *((name, "floor") for name in LEARNED if OPERATIONS[name].gradcheck),
        ("adacof", "trunc"),  # the one with both roundings
    ],
)
def test_gradients_are_exact(name: str, rounding: str) -> None:
    operation = OPERATIONS[name]
    case = Case(size=(3, 3), channels=3, kernel=2, dilation=2, rounding=rounding, radius=1)
    tensors = make(operation, case, torch.float64)
    assert torch.autograd.gradcheck(lambda *x: operation.run(list(x), case), tensors)


@pytest.mark.parametrize("name", REGISTERED)
@pytest.mark.parametrize(("gradients", "channels"), [(False, 1), (True, 5)])
@pytest.mark.long
def test_opcheck_accepts_the_registered_operations(
    name: str, gradients: bool, channels: int
) -> None:
    operation, case = OPERATIONS[name], Case(size=(3, 4), channels=channels, radius=1, kernel=2)
    tensors = [x.detach() for x in make(operation, case, torch.float32)]
    tensors = [
        x.requires_grad_(gradients and i in operation.learned) for i, x in enumerate(tensors)
    ]
    for registered, arguments in operation.registered(tensors, case).items():
        torch.library.opcheck(getattr(torch.ops.cdfi, registered).default, arguments)


@pytest.mark.parametrize("name", LEARNED)
def test_any_number_of_threads_gives_the_same_bits(name: str) -> None:
    operation, case = OPERATIONS[name], Case(size=(41, 17), channels=16, reach=5.0)
    tensors = make(operation, case, torch.float32)
    threads, results = torch.get_num_threads(), []
    try:
        for count in (1, 2, 5):
            torch.set_num_threads(count)
            results.append(outcome(operation.run(tensors, case), tensors))
    finally:
        torch.set_num_threads(threads)
    for result in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], result))


@pytest.mark.parametrize("name", [name for name, row in OPERATIONS.items() if row.half])
@pytest.mark.parametrize("dtype", HALVES)
def test_half_precision_is_computed_in_float32(name: str, dtype: torch.dtype) -> None:
    operation, case = OPERATIONS[name], Case(size=(8, 12), channels=5)
    tensors = make(operation, case, dtype)
    found = outcome(operation.run(tensors, case), tensors)
    exact = [x.detach().float() for x in tensors]
    for half, full in zip(found, operation.run(exact, case)):
        assert torch.equal(half, full.to(half.dtype))
    gradients = found[-len(operation.learned) :]
    assert all(gradient.dtype == dtype for gradient in gradients)


@pytest.mark.parametrize("name", WITH_REFERENCE)
def test_a_device_without_a_kernel_uses_the_reference(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation, case = OPERATIONS[name], Case()
    monkeypatch.setattr(operation_module(name), "has_kernel", lambda *tensors: False)
    tensors = make(operation, case, torch.float32)
    ours, theirs = operation.run(tensors, case), operation.reference(tensors, case)
    assert all(map(torch.equal, outcome(ours, tensors), outcome(theirs, tensors)))


def test_memory_is_poisoned() -> None:
    assert torch.empty(3).isnan().all()
    assert torch.zeros(1).new_empty(3).isnan().all()


@pytest.mark.gpu
@pytest.mark.parametrize(("name", "case"), ROWS)
@pytest.mark.parametrize("dtype", [torch.float32, *HALVES])
def test_an_operation_on_a_gpu_equals_its_reference(
    cuda: str, name: str, case: str, dtype: torch.dtype
) -> None:
    operation = OPERATIONS[name]
    tensors = make(operation, operation.cases[case], dtype, cuda)
    loose = 1e-4 if dtype == torch.float32 else 2e-2
    assert_equals_reference(operation, operation.cases[case], tensors, loose, operation.close)


@pytest.mark.gpu
@pytest.mark.parametrize("name", REGISTERED)
def test_opcheck_accepts_the_registered_operations_on_a_gpu(cuda: str, name: str) -> None:
    operation, case = OPERATIONS[name], Case(channels=5)
    tensors = make(operation, case, torch.float32, cuda)
    for registered, arguments in operation.registered(tensors, case).items():
        torch.library.opcheck(getattr(torch.ops.cdfi, registered).default, arguments)

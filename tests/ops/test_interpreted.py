"""Every operation equals its reference in Triton's interpreter, on a CPU.

The launcher is in test_triton_compilation.py; conftest.py ignores this file elsewhere.
"""

import importlib

import pytest
import torch

from tests.ops.comparison import assert_equals_reference, make, operation_module
from tests.ops.operations import HALVES, OPERATIONS, ROWS

#: The packages whose CPU kernels are replaced.
KERNELS = "adacof cost_volume cubic_warp details match_features refine_flow warp".split()
#: The cases to run: each takes seconds, refine_flow minutes.
CASES = ["default", "1x1", "wide", "70 channels", "far", "truncated", "some rows"]
NAMES = ["adacof", "adacof_rows_from_logits", "cost_volume", "details", "resize", "resize_rows"]
NAMES += ["warp", "cubic_warp", "match_features"]
INTERPRETED_ROWS = [(name, case) for name, case in ROWS if name in NAMES and case in CASES]
INTERPRETED_ROWS += [("refine_flow", case) for case in ("1x1", "row")]
FUNCTIONS = ["forward", "backward", "backward_maps", "backward_input", "refine_level"]
FUNCTIONS += ["warp", "cubic_warp", "match_features"]


@pytest.fixture(autouse=True)
def interpreted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the CPU kernels by the Triton kernels."""
    for name in KERNELS:
        cpu, triton = (importlib.import_module(f"cdfi.ops.{name}.{x}") for x in ("cpu", "triton"))
        for function in FUNCTIONS:
            if hasattr(cpu, function):
                monkeypatch.setattr(cpu, function, getattr(triton, function))
    for name in ("adacof", "resize"):
        monkeypatch.setattr(operation_module(name), "has_triton_kernel", lambda x: True)


@pytest.mark.parametrize(("name", "case"), INTERPRETED_ROWS)
def test_an_operation_equals_its_reference(name: str, case: str) -> None:
    operation = OPERATIONS[name]
    tensors = make(operation, operation.cases[case], torch.float32)
    assert_equals_reference(operation, operation.cases[case], tensors, 1e-4, operation.close)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", HALVES)
def test_half_precision_is_summed_in_float32(name: str, dtype: torch.dtype) -> None:
    operation = OPERATIONS[name]
    case = operation.cases["default"]
    assert_equals_reference(operation, case, make(operation, case, dtype), 2e-2, operation.close)

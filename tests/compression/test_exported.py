"""Derived modules are ordinary ones: torch.export and ONNX take them."""

from pathlib import Path

import pytest
import torch
from torch import nn

from cdfi.compression import derive
from tests.compression.tracing.constructs import CASES, halves, tokens

#: Constructs whose derived modules have other code, other attributes or computed weights.
QUICK = ("multi-head", "split")
SLOW = sorted(CASES.keys() - set(QUICK))


def derived(name: str) -> nn.Module:
    torch.manual_seed(0)
    model = CASES[name]().eval()
    return derive(model, tokens(), halves(model)).module


@pytest.mark.parametrize(
    "name", [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)]
)
@torch.no_grad()
def test_torch_export_of_a_derived_module_computes_the_same(name: str) -> None:
    module = derived(name)
    program = torch.export.export(module, tokens())
    torch.testing.assert_close(program.module()(*tokens()), module(*tokens()))


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
@torch.no_grad()
def test_onnx_of_a_derived_module_computes_the_same(name: str, tmp_path: Path) -> None:
    for package in ("onnx", "onnxscript"):
        pytest.importorskip(package)
    runtime = pytest.importorskip("onnxruntime")
    module, path = derived(name), tmp_path / "small.onnx"
    torch.onnx.export(module, tokens(), path, dynamo=True, opset_version=18, verbose=False)
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {session.get_inputs()[0].name: tokens()[0].numpy()})
    torch.testing.assert_close(torch.from_numpy(found), module(*tokens()), atol=1e-4, rtol=1e-4)

"""Every bundled model gives the same frames in ONNX Runtime and OpenVINO."""

from pathlib import Path

import pytest

from cdfi.export import RuntimeInterpolator
from cdfi.export.program import program_of
from cdfi.export.writers.onnx_file import write_onnx
from cdfi.export.writers.openvino_files import write_openvino
from cdfi.weights import BUNDLED, load
from tests.export.exported import assert_same_frames

pytestmark = pytest.mark.slow  # minutes a model: a trace and two conversions
SIZE = (64, 96)


@pytest.mark.parametrize("name", BUNDLED)
def test_a_bundled_model_is_exported_for_one_size(name: str, tmp_path: Path) -> None:
    for module in ("onnx", "onnxscript", "onnxruntime", "openvino"):
        pytest.importorskip(module)
    network = load(name)
    program = program_of(network, name, *SIZE)
    write_onnx(program, tmp_path / "model.onnx", 16)
    write_openvino(program, tmp_path / "model.xml")
    for path in (tmp_path / "model.onnx", tmp_path / "model.xml"):
        assert_same_frames(RuntimeInterpolator(path), network, 64, 93)


@pytest.mark.parametrize("name", ["flow", "compressed-adacof"])
def test_a_bundled_model_is_exported_for_several_sizes(name: str, tmp_path: Path) -> None:
    for module in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(module)
    network, path = load(name), tmp_path / "model.onnx"
    write_onnx(program_of(network, name, *SIZE, dynamic=True), path, 20)
    for size in ((64, 96), (70, 101)):
        assert_same_frames(RuntimeInterpolator(path), network, *size)

"""Exported files compute the network's frames in the real runtimes, and say what they are."""

from pathlib import Path

import pytest
import torch

from cdfi.export import Header, RuntimeInterpolator, export_model
from cdfi.export.writers.onnx_file import write_onnx
from cdfi.export.writers.openvino_files import write_openvino
from cdfi.export.writers.pt2_file import write_pt2
from cdfi.weights import save
from tests.export.exported import assert_same_frames, smooth_pair, tiny_flow, tiny_program
from tests.tiny import TINY_DETAILED, TINY_MATCHING, TINY_SYNTHESIS, tiny_network

pytestmark = pytest.mark.slow  # a trace and its conversion take half a minute


def write(suffix: str, path: Path, opset: int = 20) -> Path:
    """``tiny_program()`` as a file; skip if the runtime is not installed."""
    modules = {".onnx": ["onnx", "onnxscript", "onnxruntime"], ".xml": ["openvino"]}
    for module in modules.get(suffix, []):
        pytest.importorskip(module)
    target = path / f"model{suffix}"
    if suffix == ".onnx":
        write_onnx(tiny_program(), target, opset)
    else:
        (write_openvino if suffix == ".xml" else write_pt2)(tiny_program(), target)
    return target


@pytest.mark.parametrize(("suffix", "opset"), [(".onnx", 20), (".onnx", 16), (".xml", 20)])
def test_a_file_gives_the_frames_of_the_network(suffix: str, opset: int, tmp_path: Path) -> None:
    runtime = RuntimeInterpolator(write(suffix, tmp_path, opset))
    assert runtime.takes_time
    assert_same_frames(runtime, tiny_flow(), 39, 46)


def test_a_batch_is_computed_pair_by_pair(tmp_path: Path) -> None:
    runtime = RuntimeInterpolator(write(".onnx", tmp_path))
    pairs = [smooth_pair(40, 48, seed) for seed in (0, 1)]
    frame0, frame1 = (torch.stack(frames) for frames in zip(*pairs))
    both = runtime(frame0, frame1)
    for single, pair in zip(both, pairs, strict=True):
        assert torch.equal(single, runtime(*pair))


def test_torch_export_reads_the_program_and_its_header(tmp_path: Path) -> None:
    extra = {"cdfi.json": ""}
    program = torch.export.load(write(".pt2", tmp_path), extra_files=extra)
    assert Header.from_json(extra["cdfi.json"]) == tiny_program().header
    frames = [x[None] for x in smooth_pair(40, 48)]
    t = torch.full((1, 1, 1, 1), 0.25)
    with torch.no_grad():
        expected = tiny_flow()(*frames, t)
    torch.testing.assert_close(program.module()(*frames, t), expected, rtol=1e-4, atol=1e-5)


def test_no_operation_of_ours_is_left_in_the_graph() -> None:
    names = {str(node.target) for node in tiny_program().graph.graph.nodes}
    assert not [name for name in names if name.startswith("cdfi")]


def test_the_model_of_opset_16_has_opset_16(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(write(".onnx", tmp_path, 16))
    assert [row.version for row in model.opset_import if row.domain == ""] == [16]
    onnx.checker.check_model(model, full_check=True)


def test_frames_of_another_size_are_refused_with_the_command_that_helps(tmp_path: Path) -> None:
    runtime = RuntimeInterpolator(write(".onnx", tmp_path))
    with pytest.raises(ValueError, match="--size 64x56"):
        runtime(*smooth_pair(56, 64))


def test_the_same_weights_have_the_same_fingerprint_from_a_file_and_a_name(tmp_path: Path) -> None:
    weights = tmp_path / "tiny.safetensors"
    save(tiny_flow(), weights)
    exported = RuntimeInterpolator(write(".onnx", tmp_path))
    assert exported.fingerprint == RuntimeInterpolator(weights, "onnxruntime").fingerprint


ADACOF = {"matching": TINY_MATCHING, "synthesis": TINY_SYNTHESIS.as_released()}


@pytest.mark.parametrize(
    ("name", "suffix"),
    [*((name, suffix) for name in ADACOF for suffix in (".onnx", ".xml")), ("detailed", ".onnx")],
)
def test_networks_of_the_adacof_family_are_exported(name: str, suffix: str, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("openvino")
    config = ADACOF.get(name, TINY_DETAILED)
    network = tiny_network(config, gain=3.0)
    path = tmp_path / f"model{suffix}"
    header = export_model(network, path, size=(60, 64))
    assert header.architecture == config
    assert_same_frames(RuntimeInterpolator(path), network, 58, 63)


@pytest.mark.parametrize("suffix", [".onnx", ".xml"])
def test_a_dynamic_file_takes_frames_with_the_same_number_of_levels(
    suffix: str, tmp_path: Path
) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("openvino")
    network = tiny_flow(levels=3)
    path = tmp_path / f"model{suffix}"
    export_model(network, path, size=(64, 96), dynamic=True)
    runtime = RuntimeInterpolator(path)
    for height, width in ((64, 96), (99, 70), (127, 130)):
        assert_same_frames(runtime, network, height, width)
    with pytest.raises(ValueError, match="short side of 64 to 127"):
        runtime(*smooth_pair(60, 200))

"""The backends on small hand-made files: sizes, instants, batches, devices, bad files."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from cdfi.export import Header, RuntimeInterpolator, export_model
from cdfi.export.header import KEY
from cdfi.video import ModelSpec
from cdfi.video.jobs.model import fingerprint, takes_time
from tests.export.exported import TINY_FLOW, smooth_pair

HEADER = Header("mean", TINY_FLOW.to_json(), "0" * 64, True, 8, "replicate", None, (1, 100))
BACKENDS = {".onnx": "onnxruntime", ".xml": "openvino"}
every_format = pytest.mark.parametrize("suffix", BACKENDS)


def mean_model(path: Path, header: Header = HEADER) -> Path:
    """A file whose frame is the weighted mean of both frames at t, in the format of the suffix."""
    write = {".onnx": _mean_onnx, ".xml": _mean_openvino}[path.suffix]
    write(path, header)
    return path


def _mean_onnx(path: Path, header: Header) -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    node, value = onnx.helper.make_node, onnx.helper.make_tensor_value_info
    shape = [1, 3, "H", "W"]
    nodes = [
        node("Sub", ["frame1", "frame0"], ["change"]),
        node("Mul", ["change", "t"], ["part"]),
        node("Add", ["frame0", "part"], ["frame"]),
    ]
    inputs = [value(name, 1, shape) for name in ("frame0", "frame1")]
    graph = onnx.helper.make_graph(
        nodes, "mean", [*inputs, value("t", 1, [1, 1, 1, 1])], [value("frame", 1, shape)]
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 16)])
    model.ir_version = 8
    onnx.helper.set_model_props(model, {KEY: header.to_json()})
    onnx.save(model, path)


def _mean_openvino(path: Path, header: Header) -> None:
    openvino = pytest.importorskip("openvino")
    from openvino import opset8 as ops

    shape = openvino.PartialShape([1, 3, -1, -1])
    frame0, frame1 = (ops.parameter(shape, np.float32, name) for name in ("frame0", "frame1"))
    t = ops.parameter([1, 1, 1, 1], np.float32, "t")
    change = ops.multiply(ops.subtract(frame1, frame0), t)
    model = openvino.Model([ops.add(frame0, change)], [frame0, frame1, t], "mean")
    model.set_rt_info(header.to_json(), [KEY])
    openvino.save_model(model, path, compress_to_fp16=False)


@every_format
def test_frames_are_padded_computed_and_cropped(suffix: str, tmp_path: Path) -> None:
    runtime = RuntimeInterpolator(mean_model(tmp_path / f"mean{suffix}"))
    frame0, frame1 = smooth_pair(30, 45)
    times = [Fraction(1, 4), Fraction(2, 3)]
    for t, frame in zip(times, runtime.between(frame0, frame1, times), strict=True):
        torch.testing.assert_close(frame, torch.lerp(frame0, frame1, float(t)))


@every_format
def test_a_batch_is_computed_pair_by_pair(suffix: str, tmp_path: Path) -> None:
    runtime = RuntimeInterpolator(mean_model(tmp_path / f"mean{suffix}"))
    pairs = [smooth_pair(16, 24, seed) for seed in (0, 1, 2)]
    both = runtime(*(torch.stack(frames) for frames in zip(*pairs)))
    assert both.shape == (3, 3, 16, 24)
    for single, pair in zip(both, pairs, strict=True):
        assert torch.equal(single, runtime(*pair))


@every_format
def test_a_file_of_one_size_refuses_others_and_says_how_to_export(
    suffix: str, tmp_path: Path
) -> None:
    header = Header("mean", TINY_FLOW.to_json(), "0" * 64, True, 8, "replicate", (16, 24))
    runtime = RuntimeInterpolator(mean_model(tmp_path / f"mean{suffix}", header))
    assert runtime(*smooth_pair(15, 20)).shape == (3, 15, 20)
    with pytest.raises(ValueError, match="for frames of 24 x 16, not 48 x 40: .*--size 48x40"):
        runtime(*smooth_pair(40, 48))


@every_format
def test_a_device_that_is_missing_is_refused_with_those_that_are_there(
    suffix: str, tmp_path: Path
) -> None:
    path = mean_model(tmp_path / f"mean{suffix}")
    with pytest.raises(ValueError, match="has no .* 'nonsense' here; it has .*CPU"):
        RuntimeInterpolator(path, device="nonsense")


def test_a_device_is_looked_up_before_a_model_is_exported() -> None:
    pytest.importorskip("onnxruntime")
    with pytest.raises(ValueError, match="has no provider 'nonsense' here"):
        RuntimeInterpolator("flow", "onnxruntime", "nonsense")


@every_format
def test_a_file_that_cdfi_did_not_write_is_refused_by_name(suffix: str, tmp_path: Path) -> None:
    path = mean_model(tmp_path / f"other{suffix}")
    path.write_bytes(path.read_bytes().replace(b"cdfi", b"none"))
    with pytest.raises(ValueError, match=f"other{suffix}: not written by cdfi export"):
        RuntimeInterpolator(path)


@every_format
def test_a_damaged_file_is_refused_by_name(suffix: str, tmp_path: Path) -> None:
    path = mean_model(tmp_path / f"damaged{suffix}")
    path.write_bytes(b"nonsense")
    with pytest.raises(ValueError, match=f"damaged{suffix}: .* cannot open it"):
        RuntimeInterpolator(path)


@every_format
def test_a_job_knows_an_exported_file_by_its_weights(suffix: str, tmp_path: Path) -> None:
    spec = ModelSpec(mean_model(tmp_path / f"mean{suffix}"))
    assert takes_time(spec)
    expected = f"{HEADER.digest} {HEADER.config} {BACKENDS[suffix]}"
    assert fingerprint(spec) == expected == fingerprint(spec.build())


def test_a_file_of_another_backend_is_refused(tmp_path: Path) -> None:
    path = mean_model(tmp_path / "mean.onnx")
    with pytest.raises(ValueError, match=r"mean\.onnx is for the backend onnxruntime, not openv"):
        RuntimeInterpolator(path, "openvino")


@pytest.mark.parametrize(
    ("settings", "named"),
    [({"precision": "bf16"}, "precision bf16"), ({"compile": True}, "compile")],
)
def test_options_of_pytorch_are_refused_for_another_backend(
    settings: dict[str, object], named: str
) -> None:
    spec = ModelSpec("flow", backend="onnxruntime", **settings)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=f"{named}: for PyTorch only"):
        spec.build()


def test_an_unknown_backend_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="onnxruntime, openvino"):
        RuntimeInterpolator("flow", "tensorrt")


def test_a_model_without_a_backend_is_refused() -> None:
    with pytest.raises(ValueError, match="flow is not an exported file"):
        RuntimeInterpolator("flow")


def test_an_existing_file_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"mine")
    with pytest.raises(FileExistsError, match=r"model\.onnx exists"):
        export_model("flow", path, size=(48, 64))
    assert path.read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("model.engine", {}, r"ends in \.pt2, \.onnx, \.xml"),
        ("model.onnx", {"opset": 12}, "opset 12 is not supported"),
        ("model.onnx", {"size": (0, 5)}, "expected a size"),
    ],
)
def test_an_impossible_export_is_refused(
    name: str, settings: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        export_model("flow", tmp_path / name, **{"size": (48, 64), **settings})  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())

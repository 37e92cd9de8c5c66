"""Write an .onnx file, with the header in its metadata."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from cdfi.common.extras import need
from cdfi.common.files import atomic_write
from cdfi.export.header import KEY
from cdfi.export.program import Program
from cdfi.export.writers.opset16 import to_opset_16

OPSETS = (16, 18, 20)
INPUTS, OUTPUT = ("frame0", "frame1", "t"), "frame"
_WRITTEN = 18  # the smallest opset that PyTorch writes
_IR = {16: 8, 18: 8, 20: 9}  # version of the file format that came with each opset


def write_onnx(program: Program, path: Path, opset: int) -> None:
    """Write ``program`` atomically as one file that holds its weights.

    Raises:
        ValueError: the opset is not one of ``OPSETS``, or a library is missing.
        OSError: the file cannot be written.
    """
    if opset not in OPSETS:
        known = ", ".join(map(str, OPSETS))
        raise ValueError(f"opset {opset} is not supported: expected one of {known}")
    onnx = need("onnx", "an .onnx file", "cdfi[onnx]")
    need("onnxscript", "an .onnx file", "cdfi[onnx]")
    model = _converted(program, max(opset, _WRITTEN))
    if opset == 16:
        to_opset_16(model)
    model.ir_version = _IR[opset]
    entry = model.metadata_props.add()
    entry.key, entry.value = KEY, program.header.to_json()
    onnx.checker.check_model(model)
    with atomic_write(path) as part:
        part.write_bytes(model.SerializeToString())


def _converted(program: Program, opset: int) -> Any:
    """Return the graph as an ``onnx.ModelProto``."""
    with _quiet():
        converted = torch.onnx.export(
            program.graph,
            (),
            opset_version=opset,
            input_names=INPUTS[: len(program.inputs)],
            output_names=[OUTPUT],
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    assert converted is not None
    return converted.model_proto


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress the exporter's notes about libraries and operations that are not used here."""
    names = ("torch.onnx", "onnxscript", "onnx_ir")
    levels = {name: logging.getLogger(name).level for name in names}
    try:
        for name in names:
            logging.getLogger(name).setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)

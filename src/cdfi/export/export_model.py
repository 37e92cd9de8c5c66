"""export_model: a network as a file for another runtime."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from cdfi.common.extras import need
from cdfi.export.header import Header
from cdfi.export.program import Program, program_of
from cdfi.export.writers.onnx_file import OPSETS, write_onnx
from cdfi.export.writers.openvino_files import write_openvino
from cdfi.export.writers.pt2_file import write_pt2
from cdfi.models import AnyNetwork
from cdfi.weights import load

LARGEST = 16_384  # rows or columns


class Writer(NamedTuple):
    """What writes a format, and the libraries that it needs, which are in one extra of cdfi."""

    write: Callable[[Program, Path, int], None]  # the last argument is ONNX's opset
    libraries: tuple[str, ...] = ()
    extra: str = ""


#: Suffix -> its writer.
WRITERS = {
    ".pt2": Writer(lambda program, path, opset: write_pt2(program, path)),
    ".onnx": Writer(write_onnx, ("onnx", "onnxscript"), "cdfi[onnx]"),
    ".xml": Writer(
        lambda program, path, opset: write_openvino(program, path),
        ("openvino", "onnx", "onnxscript"),
        "cdfi[openvino]",
    ),
}


def export_model(
    model: str | Path | AnyNetwork,
    path: str | Path,
    *,
    size: tuple[int, int],
    dynamic: bool = False,
    opset: int = OPSETS[-1],
    overwrite: bool = False,
) -> Header:
    """Write a model as a file for another runtime, and return the file's header.

    The graph has operations that every runtime has, in float32. The file appears in one step.

    Args:
        model: a name or path that :func:`cdfi.load` takes, or a network.
        path: of the file. The suffix is the format: .pt2 (torch.export), .onnx, or .xml (OpenVINO,
            with a .bin file beside it).
        size: rows and columns of the frames.
        dynamic: accept frames of other sizes, too. Networks of the flow family accept those with
            the same number of levels; see ``Header.short_side``.
        opset: of ONNX: 16, 18 or 20.
        overwrite: replace files that are there.

    Raises:
        FileExistsError: ``path`` exists and ``overwrite`` is false.
        ValueError: the format, size, opset or model is not supported, or a library is missing.
        OSError: a file cannot be read or written.
    """
    target = Path(path)
    check_export(target, size, opset, overwrite)
    network = load(model) if isinstance(model, (str, Path)) else model
    name = str(model) if isinstance(model, (str, Path)) else ""
    program = program_of(network, name, *size, dynamic=dynamic)
    WRITERS[target.suffix.lower()].write(program, target, opset)
    return program.header


def check_export(target: Path, size: tuple[int, int], opset: int, overwrite: bool) -> None:
    """Raise the errors of :func:`export_model` that do not need the model."""
    if target.suffix.lower() not in WRITERS:
        raise ValueError(f"{target}: expected a file name that ends in {', '.join(WRITERS)}")
    if opset not in OPSETS:
        known = ", ".join(map(str, OPSETS))
        raise ValueError(f"opset {opset} is not supported: expected one of {known}")
    if not all(1 <= x <= LARGEST for x in size):
        raise ValueError(f"expected a size of 1 to {LARGEST} pixels, got {size[1]} x {size[0]}")
    written = [target, target.with_suffix(".bin")] if target.suffix.lower() == ".xml" else [target]
    if taken := [path for path in written if path.exists() and not overwrite]:
        raise FileExistsError(f"{taken[0]} exists; --overwrite replaces it")
    writer = WRITERS[target.suffix.lower()]
    for library in writer.libraries:
        need(library, f"a file {target.name}", writer.extra)

"""``cdfi export``: a model as a file for another runtime."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from cdfi.cli.console import stdout
from cdfi.common.sizes import frame_size

Model = Annotated[str, Argument(help="A model's name (cdfi models list) or file.")]
Target = Annotated[
    Path, Argument(help="The file: .pt2 (torch.export), .onnx, or .xml (OpenVINO, with a .bin).")
]
Size = Annotated[str, Option(help="Size of the frames, such as 1280x720.")]
Dynamic = Annotated[bool, Option("--dynamic", help="Accept frames of other sizes, too.")]
Opset = Annotated[int, Option(help="Opset of ONNX: 16, 18 or 20.")]
Overwrite = Annotated[bool, Option("--overwrite", help="Replace the file if it exists.")]


def export(
    model: Model,
    target: Target,
    size: Size,
    dynamic: Dynamic = False,
    opset: Opset = 20,
    overwrite: Overwrite = False,
) -> None:
    """Write a model as a file for ONNX Runtime, OpenVINO or torch.export.

    cdfi interpolate --backend runs .onnx and .xml files. Their metadata hold the architecture, the
    padding of frames and a digest of the weights.

    Example: cdfi export flow flow.onnx --size 1280x720
    """
    try:
        rows, columns = frame_size(size)
    except ValueError as error:
        raise ValueError(f"--size: {error}") from error
    from cdfi.export import export_model

    header = export_model(
        model, target, size=(rows, columns), dynamic=dynamic, opset=opset, overwrite=overwrite
    )
    stdout.print(f"{target}: {describe_sizes(header.size, header.multiple, header.short_side)}")


def describe_sizes(
    size: tuple[int, int] | None, multiple: int, short_side: tuple[int, int | None]
) -> str:
    """Return a sentence about the frames that an exported file takes."""
    if size is not None:
        return f"frames of {size[1]} x {size[0]}, after padding to multiples of {multiple}"
    low, high = short_side
    span = f"at least {low}" if high is None else f"{low} to {high}"
    return f"frames with a short side of {span} pixels, padded to multiples of {multiple}"

"""Options that choose how a network runs, for several commands."""

from typing import Annotated, Literal

from typer import Option

#: The same as ``cdfi.interpolation.Precision``, which cannot be imported without PyTorch.
PrecisionName = Literal["auto", "fp32", "bf16", "fp16"]
#: The keys of ``cdfi.export.RUNTIMES``.
BackendName = Literal["onnxruntime", "openvino"]
DEVICE_HELP = "cpu, cuda, cuda:1 or mps. By default CUDA, then MPS, then the CPU."

DeviceOption = Annotated[str | None, Option("--device", help=DEVICE_HELP)]

"""Networks for other runtimes: torch.export, ONNX and OpenVINO files, and how they are run."""

from cdfi.export.export_model import export_model
from cdfi.export.header import Header
from cdfi.export.runtime import RUNTIMES, RuntimeInterpolator

__all__ = ["RUNTIMES", "Header", "RuntimeInterpolator", "export_model"]

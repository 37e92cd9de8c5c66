"""An .onnx file in ONNX Runtime."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cdfi.common.extras import need
from cdfi.export.header import KEY, Header
from cdfi.export.writers.onnx_file import INPUTS

_SUFFIX = "ExecutionProvider"


class OnnxRuntimeSession:
    """Runs an .onnx file that cdfi wrote.

    Args:
        path: of the file.
        device: an execution provider, such as "CUDAExecutionProvider" or "cuda"; None is the CPU.

    Raises:
        ValueError: ONNX Runtime or the provider is missing, or the file is not one of ours.
    """

    def __init__(self, path: Path, device: str | None) -> None:
        runtime = need("onnxruntime", "the backend onnxruntime", "cdfi[onnx]")
        self.device = find_provider(device)
        options = runtime.SessionOptions()
        options.log_severity_level = 3  # errors
        try:
            providers = list(dict.fromkeys((self.device, f"CPU{_SUFFIX}")))
            self._session = runtime.InferenceSession(str(path), options, providers=providers)
        except Exception as error:  # ONNX Runtime has a class for each status
            raise ValueError(f"{path}: ONNX Runtime cannot open it ({_first(error)})") from error
        text = self._session.get_modelmeta().custom_metadata_map.get(KEY, "")
        try:
            self.header = Header.from_json(text)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    def run(self, *inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the frame (1, 3, H, W) from padded frames, and ``t`` if the network takes it."""
        (frame,) = self._session.run(None, dict(zip(INPUTS, inputs)))
        result: NDArray[np.float32] = frame
        return result


def find_provider(device: str | None) -> str:
    """Return the execution provider that ``device`` names; the CPU's for None.

    Raises:
        ValueError: ONNX Runtime is missing, or has no such provider.
    """
    runtime = need("onnxruntime", "the backend onnxruntime", "cdfi[onnx]")
    available: list[str] = runtime.get_available_providers()
    wanted = (device or "cpu").lower().removesuffix(_SUFFIX.lower())
    for name in available:
        if name.lower().removesuffix(_SUFFIX.lower()) == wanted:
            return name
    raise ValueError(f"ONNX Runtime has no provider {device!r} here; it has {', '.join(available)}")


def _first(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]

"""An .xml file in OpenVINO."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cdfi.common.extras import need
from cdfi.export.header import KEY, Header

_SETTINGS = {"INFERENCE_PRECISION_HINT": "f32"}  # some processors would compute in bfloat16


class OpenVinoSession:
    """Runs an .xml file that cdfi wrote.

    Args:
        path: of the file; the weights are beside it.
        device: "CPU", "GPU", "NPU", "GPU.1", ...; None is the CPU.

    Raises:
        ValueError: OpenVINO or the device is missing, or the file is not one of ours.
    """

    def __init__(self, path: Path, device: str | None) -> None:
        openvino = need("openvino", "the backend openvino", "cdfi[openvino]")
        core = openvino.Core()
        self.device = find_device(device)
        try:
            model = core.read_model(str(path))
            known_header = model.has_rt_info([KEY])
            text = str(model.get_rt_info([KEY]).astype(str)) if known_header else ""
            self.header = Header.from_json(text)
            self._request = core.compile_model(model, self.device, _SETTINGS).create_infer_request()
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
        except RuntimeError as error:
            reason = (str(error).strip().splitlines() or ["unknown error"])[-1]
            raise ValueError(f"{path}: OpenVINO cannot open it ({reason})") from error

    def run(self, *inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the frame (1, 3, H, W) from padded frames, and ``t`` if the network takes it."""
        results = self._request.infer(dict(enumerate(inputs)))
        frame: NDArray[np.float32] = np.array(results[0])  # the next call overwrites it
        return frame


def find_device(device: str | None) -> str:
    """Return the device of OpenVINO that ``device`` names; the CPU for None.

    Raises:
        ValueError: OpenVINO is missing, or has no such device.
    """
    openvino = need("openvino", "the backend openvino", "cdfi[openvino]")
    available: list[str] = openvino.Core().available_devices
    name = (device or "cpu").upper()
    if name not in available:
        known = ", ".join(available)
        raise ValueError(f"OpenVINO has no device {device!r} here; it has {known}")
    return name

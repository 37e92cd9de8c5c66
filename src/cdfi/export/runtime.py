"""RuntimeInterpolator: the frames between two frames, computed by another runtime."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from cdfi.common.cache import cache_folder
from cdfi.common.choices import unknown_name
from cdfi.common.exported_files import SUFFIXES, backend_of, is_exported
from cdfi.export.export_model import export_model
from cdfi.export.header import Header, Padding
from cdfi.export.sessions.onnxruntime_session import OnnxRuntimeSession, find_provider
from cdfi.export.sessions.openvino_session import OpenVinoSession, find_device
from cdfi.interpolation.between import PairInterpolator
from cdfi.models.families import takes_time
from cdfi.models.network import pad_to_multiple
from cdfi.weights import identify, resolve_path

HALF = Fraction(1, 2)


class Session(Protocol):
    """An exported file that a runtime has opened."""

    header: Header
    device: str

    def run(self, *inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the frame (1, 3, H, W) from padded frames, and ``t`` if the network takes it."""


class Runtime(NamedTuple):
    """What opens a file on a device."""

    open: Callable[[Path, str | None], Session]
    find_device: Callable[[str | None], str]  # raises ValueError if there is none of that name


#: Name of a backend -> its runtime.
RUNTIMES = {
    "onnxruntime": Runtime(OnnxRuntimeSession, find_provider),
    "openvino": Runtime(OpenVinoSession, find_device),
}


class RuntimeGap(NamedTuple):
    """Two frames, as the engine of another runtime takes them."""

    engine: "RuntimeEngine"
    frame0: Tensor
    frame1: Tensor

    def frame(self, t: float = float(HALF)) -> Tensor:
        """Return the frame at ``t``, float32 (N, 3, H, W) in [0, 1]."""
        pairs = zip(torch.split(self.frame0, 1), torch.split(self.frame1, 1))
        return torch.cat([self.engine.single(*pair, t) for pair in pairs]).clamp(0, 1)


class RuntimeEngine:
    """Computes frames with an exported file, or with one that it exports for each size.

    Args:
        model: an exported file, or a name or path that :func:`cdfi.load` takes.
        backend: a key of ``RUNTIMES``.
        device: as the runtime names it; None is the CPU.
    """

    def __init__(self, model: str | Path, backend: str, device: str | None) -> None:
        self._runtime, self._backend, self._model = RUNTIMES[backend], backend, model
        self._device = self._runtime.find_device(device)  # before a model is exported for it
        self._sessions: dict[tuple[int, int], Session] = {}
        self._only: Session | None = None
        if is_exported(model):
            self._only = self._runtime.open(Path(model), self._device)
            self.takes_time = self._only.header.takes_time
            self.fingerprint = self._only.header.fingerprint
        else:
            found = identify(resolve_path(model))
            self.takes_time = takes_time(found.config)
            self.fingerprint = f"{found.digest} {found.config.to_json()}"
            self._digest = found.digest

    def frame(self, frame0: Tensor, frame1: Tensor) -> Tensor:
        """Return the middle frame, float32 (N, 3, H, W) in [0, 1]."""
        return self.gap(frame0, frame1).frame()

    def gap(self, frame0: Tensor, frame1: Tensor) -> RuntimeGap:
        """Return the gap between two frames."""
        return RuntimeGap(self, frame0, frame1)

    def single(self, frame0: Tensor, frame1: Tensor, t: float) -> Tensor:
        """Return one frame (1, 3, H, W), not clamped."""
        height, width = frame0.shape[2:]
        session = self._session(height, width)
        header = session.header
        header.padded(height, width)
        inputs = [
            pad_frame(x, header.multiple, header.padding).contiguous().numpy()
            for x in (frame0, frame1)
        ]
        if header.takes_time:
            inputs.append(np.full((1, 1, 1, 1), t, np.float32))
        return torch.from_numpy(session.run(*inputs))[..., :height, :width]

    def _session(self, height: int, width: int) -> Session:
        """Return the session for frames of a size; the model is exported for it if necessary."""
        if self._only is not None:
            return self._only
        if (height, width) not in self._sessions:
            stem = f"{self._digest[:16]}-{width}x{height}"
            path = (cache_folder() / "export" / stem).with_suffix(SUFFIXES[self._backend])
            if not path.exists():
                export_model(self._model, path, size=(height, width), overwrite=True)
            self._sessions[height, width] = self._runtime.open(path, self._device)
        return self._sessions[height, width]


class RuntimeInterpolator(PairInterpolator):
    """Computes the frames between two frames with ONNX Runtime or OpenVINO.

    It is used as :class:`cdfi.Interpolator` is; its frames differ by rounding only. A model that
    is not exported yet is exported for each size of frame to the cache folder, once.

    Args:
        model: an exported .onnx or .xml file, or a name or path that :func:`cdfi.load` takes.
        backend: "onnxruntime" or "openvino"; by default the one of the exported file.
        device: of the runtime: an execution provider of ONNX Runtime ("CUDAExecutionProvider",
            "cuda"), or a device of OpenVINO ("GPU"); by default the CPU.

    Attributes:
        fingerprint: equal if the frames are.

    Raises:
        ValueError: an unknown backend, device or model, a missing library, or a file that cdfi did
            not export.
        OSError: the file cannot be read.
    """

    engine: RuntimeEngine

    def __init__(
        self, model: str | Path = "default", backend: str | None = None, device: str | None = None
    ) -> None:
        check_backend(model, backend)
        chosen = backend or backend_of(model)
        if chosen is None:
            raise ValueError(f"{model} is not an exported file: expected a backend for it")
        self.engine = RuntimeEngine(model, chosen, device)
        self.fingerprint = f"{self.engine.fingerprint} {chosen}"

    def __repr__(self) -> str:
        return f"RuntimeInterpolator({self.fingerprint.rpartition(' ')[2]!r})"


def check_backend(model: str | Path, backend: str | None) -> None:
    """Raise an error for an unknown backend, or a file that another backend opens."""
    if backend is not None and backend not in RUNTIMES:
        raise unknown_name("backend", backend, list(RUNTIMES))
    own = backend_of(model)
    if own is not None and not Path(model).is_file():
        raise FileNotFoundError(f"{model} does not exist")
    if own is not None and backend not in (None, own):
        raise ValueError(f"{model} is for the backend {own}, not {backend}")


def pad_frame(frame: Tensor, multiple: int, padding: Padding) -> Tensor:
    """Return a frame padded as its header says."""
    if padding == "reflect":
        return pad_to_multiple(frame, multiple)
    height, width = frame.shape[-2:]
    return F.pad(frame, (0, -width % multiple, 0, -height % multiple), mode="replicate")

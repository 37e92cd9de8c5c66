"""Entry points of torch.hub, such as ``torch.hub.load(REPOSITORY, "cdfi")``."""

import sys
from pathlib import Path
from typing import Any

dependencies = ["torch", "numba", "numpy", "safetensors", "platformdirs"]

# torch.hub removes its own path again, and cdfi imports its kernels at the first call.
_SOURCE = str(Path(__file__).parent / "src")
if _SOURCE not in sys.path:
    sys.path.insert(0, _SOURCE)


def cdfi(model: str = "default", device: str | None = None, **settings: Any) -> Any:
    """Return a ``cdfi.Interpolator``: ``interpolator(frame0, frame1, t)`` is a frame.

    Args:
        model: a name or file that ``cdfi.load`` takes.
        device: where frames are computed; by default the best one present.
        settings: other arguments of ``cdfi.Interpolator``.
    """
    from cdfi import Interpolator

    return Interpolator(model, device, **settings)


def network(model: str = "default", device: str | None = None) -> Any:
    """Return a network with its weights, a ``torch.nn.Module`` in evaluation mode.

    Args:
        model: a name or file that ``cdfi.load`` takes.
        device: where to put it; the CPU by default.
    """
    from cdfi import load

    return load(model, device)

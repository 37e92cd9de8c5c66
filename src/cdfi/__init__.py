"""Video frame interpolation with small networks, and the method that makes networks small."""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cdfi.interpolation import Interpolator as Interpolator
    from cdfi.models import NETWORKS as NETWORKS
    from cdfi.models import Config as Config
    from cdfi.models import Network as Network
    from cdfi.weights import load as load
    from cdfi.weights import save as save

#: Public name -> the module it lives in, imported on first use so that ``import cdfi`` is quick.
_HOMES = {
    "Config": "cdfi.models",
    "Interpolator": "cdfi.interpolation",
    "NETWORKS": "cdfi.models",
    "Network": "cdfi.models",
    "interpolate_video": "cdfi.video",
    "load": "cdfi.weights",
    "save": "cdfi.weights",
}

__version__ = version("cdfi")
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'cdfi' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__

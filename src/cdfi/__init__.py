"""Video frame interpolation with small networks, and the method that makes networks small."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from cdfi.common.lazy import lazy_names

if TYPE_CHECKING:
    from cdfi import compression as compression
    from cdfi import evaluation as evaluation
    from cdfi import export as export
    from cdfi import interpolation as interpolation
    from cdfi import metrics as metrics
    from cdfi import models as models
    from cdfi import ops as ops
    from cdfi import training as training
    from cdfi import video as video
    from cdfi import weights as weights
    from cdfi.common.progress import Progress as Progress
    from cdfi.interpolation import Interpolator as Interpolator
    from cdfi.interpolation import Precision as Precision
    from cdfi.models import ARCHITECTURES as ARCHITECTURES
    from cdfi.models import NETWORKS as NETWORKS
    from cdfi.models import AnyNetwork as AnyNetwork
    from cdfi.models import Architecture as Architecture
    from cdfi.models import Config as Config
    from cdfi.models import FlowConfig as FlowConfig
    from cdfi.models import FlowNetwork as FlowNetwork
    from cdfi.models import Network as Network
    from cdfi.models import TimedNetwork as TimedNetwork
    from cdfi.video import AnyModel as AnyModel
    from cdfi.video import Encoding as Encoding
    from cdfi.video import FrameInterpolator as FrameInterpolator
    from cdfi.video import JobWatch as JobWatch
    from cdfi.video import ModelSpec as ModelSpec
    from cdfi.video import Options as Options
    from cdfi.video import Preview as Preview
    from cdfi.video import Settings as Settings
    from cdfi.video import VideoReport as VideoReport
    from cdfi.video import environment as environment
    from cdfi.video import interpolate_folder as interpolate_folder
    from cdfi.video import interpolate_frames as interpolate_frames
    from cdfi.video import interpolate_images as interpolate_images
    from cdfi.video import interpolate_video as interpolate_video
    from cdfi.video import show_frames as show_frames
    from cdfi.video import write_preview as write_preview
    from cdfi.weights import ModelInfo as ModelInfo
    from cdfi.weights import download as download
    from cdfi.weights import info as info
    from cdfi.weights import list_models as list_models
    from cdfi.weights import load as load
    from cdfi.weights import save as save

    __version__: str

#: Module -> its public names at the top; imported on first use, so that ``import cdfi`` is fast.
_NAMES = {
    "common.progress": ["Progress"],
    "interpolation": ["Interpolator", "Precision"],
    "models": [
        "ARCHITECTURES",
        "NETWORKS",
        "AnyNetwork",
        "Architecture",
        "Config",
        "FlowConfig",
        "FlowNetwork",
        "Network",
        "TimedNetwork",
    ],
    "video": [
        "Encoding",
        "FrameInterpolator",
        "AnyModel",
        "JobWatch",
        "ModelSpec",
        "Settings",
        "Options",
        "Preview",
        "VideoReport",
        "environment",
        "interpolate_folder",
        "interpolate_frames",
        "interpolate_images",
        "interpolate_video",
        "show_frames",
        "write_preview",
    ],
    "weights": ["ModelInfo", "download", "info", "list_models", "load", "save"],
}
_PACKAGES = [
    "compression",
    "evaluation",
    "export",
    "interpolation",
    "metrics",
    "models",
    "ops",
    "training",
    "video",
    "weights",
]
_MODULES = {name: module for module, names in _NAMES.items() for name in names}
_public_name = lazy_names("cdfi", _MODULES)

__all__ = sorted([*_MODULES, *_PACKAGES, "__version__"])


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return _version()
    if name in _PACKAGES:
        return import_module(f"cdfi.{name}")
    return _public_name(name)


def _version() -> str:
    """Return the version; "0+unknown" in a checkout that is not installed, as torch.hub has it."""
    metadata = import_module("importlib.metadata")
    try:
        return str(metadata.version("cdfi"))
    except metadata.PackageNotFoundError:
        return "0+unknown"


def __dir__() -> list[str]:
    return __all__

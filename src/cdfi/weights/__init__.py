"""Weights: models with a name, their files, and how files are read and written."""

from typing import TYPE_CHECKING

from cdfi.common.lazy import lazy_names

if TYPE_CHECKING:
    from cdfi.weights.catalog import BUNDLED as BUNDLED
    from cdfi.weights.catalog import DEFAULT as DEFAULT
    from cdfi.weights.catalog import RELEASED as RELEASED
    from cdfi.weights.catalog import resolve_path as resolve_path
    from cdfi.weights.checkpoint_file import digest as digest
    from cdfi.weights.checkpoint_file import identify as identify
    from cdfi.weights.checkpoint_file import read_checkpoint as read_checkpoint
    from cdfi.weights.load_save import load as load
    from cdfi.weights.load_save import load_strict as load_strict
    from cdfi.weights.load_save import save as save
    from cdfi.weights.registry import ListedModel as ListedModel
    from cdfi.weights.registry import ModelInfo as ModelInfo
    from cdfi.weights.registry import download as download
    from cdfi.weights.registry import info as info
    from cdfi.weights.registry import list_models as list_models
    from cdfi.weights.registry import listed_models as listed_models

#: Public name -> module; imported on first use: the command line looks up the names of models
#: before it imports PyTorch.
_MODULES = {
    "BUNDLED": "catalog",
    "DEFAULT": "catalog",
    "RELEASED": "catalog",
    "ListedModel": "registry",
    "ModelInfo": "registry",
    "digest": "checkpoint_file",
    "download": "registry",
    "identify": "checkpoint_file",
    "info": "registry",
    "list_models": "registry",
    "listed_models": "registry",
    "load": "load_save",
    "load_strict": "load_save",
    "read_checkpoint": "checkpoint_file",
    "resolve_path": "catalog",
    "save": "load_save",
}

__all__ = sorted(_MODULES)
__getattr__ = lazy_names(__name__, _MODULES)


def __dir__() -> list[str]:
    return __all__

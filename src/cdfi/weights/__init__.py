"""Weights: models with a name, their files, and how files are read and written."""

from cdfi.weights.catalog import BUNDLED, DEFAULT, RELEASED
from cdfi.weights.checkpoint_file import digest, identify, read_checkpoint
from cdfi.weights.load import load, load_adacof, load_strict, resolve_path, save
from cdfi.weights.registry import (
    ListedModel,
    ModelInfo,
    download,
    info,
    list_models,
    listed_models,
)

__all__ = [
    "BUNDLED",
    "DEFAULT",
    "RELEASED",
    "ListedModel",
    "ModelInfo",
    "digest",
    "download",
    "identify",
    "info",
    "list_models",
    "listed_models",
    "load",
    "load_adacof",
    "load_strict",
    "read_checkpoint",
    "resolve_path",
    "save",
]

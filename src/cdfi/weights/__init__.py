"""Weights: what can be loaded by name, where it comes from, and how files are read."""

from .catalog import BUNDLED, RELEASED
from .load import digest, load, save

__all__ = ["BUNDLED", "RELEASED", "digest", "load", "save"]

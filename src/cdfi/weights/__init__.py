"""Weights: what can be loaded by name, where it comes from, and how files are read."""

from cdfi.weights.catalog import BUNDLED, RELEASED
from cdfi.weights.load import digest, load, save

__all__ = ["BUNDLED", "RELEASED", "digest", "load", "save"]

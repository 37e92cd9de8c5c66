"""Frames between two frames: instants, precision, and the memory they take."""

from cdfi.interpolation.interpolator import Interpolator
from cdfi.interpolation.midpoints import TOLERANCE
from cdfi.interpolation.precision import Precision
from cdfi.interpolation.times import Time

__all__ = ["TOLERANCE", "Interpolator", "Precision", "Time"]

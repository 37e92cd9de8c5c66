"""Two frames in, the frames between them out: midpoints, precision and the memory they may take."""

from cdfi.interpolation.engine import Engine, Precision
from cdfi.interpolation.interpolator import Interpolator
from cdfi.interpolation.midpoints import TOLERANCE

__all__ = ["TOLERANCE", "Engine", "Interpolator", "Precision"]

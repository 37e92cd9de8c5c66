"""Two frames in, the frames between them out: midpoints, precision and the memory they may take."""

from cdfi.interpolation.interpolator import Interpolator, Precision
from cdfi.interpolation.midpoints import TOLERANCE

__all__ = ["TOLERANCE", "Interpolator", "Precision"]

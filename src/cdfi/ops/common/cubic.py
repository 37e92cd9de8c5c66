"""The weights of cubic convolution and of linear interpolation, for the CPU kernels."""

from typing import Any

import numpy as np

from cdfi.common.numba import inlined

Array = np.ndarray[Any, Any]


@inlined
def fill_axis_weights(fraction: float, parameter: float, cubic: Array, linear: Array) -> None:
    """Fill the weights (4,) of the pixels -1, 0, 1 and 2 for a position in [0, 1).

    Cubic convolution is Keys, "Cubic Convolution Interpolation for Digital Image Processing", IEEE
    TASSP 1981, with the parameter a (his equation 15 has a = -1/2).
    """
    kind = cubic.dtype.type
    a, one, rest = kind(parameter), kind(1), kind(1) - fraction
    cubic[0] = a * fraction * rest * rest
    cubic[3] = a * rest * fraction * fraction
    cubic[1] = one + fraction * fraction * ((a + kind(2)) * fraction - (a + kind(3)))
    cubic[2] = one + rest * rest * ((a + kind(2)) * rest - (a + kind(3)))
    linear[0] = linear[3] = kind(0)
    linear[1], linear[2] = rest, fraction

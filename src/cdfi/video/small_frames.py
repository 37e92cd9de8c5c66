"""Frames so small that loading compiled kernels takes longer than interpolating them."""

from contextlib import AbstractContextManager, nullcontext

from cdfi.interpolation import Interpolator
from cdfi.models import TimedNetwork
from cdfi.ops.common.backends import without_kernels

SMALL = 640 * 480  # pixels; here both take 2 s of CPU time with the network ``flow``


def operations_for_one_frame(
    interpolator: object, width: int, height: int
) -> AbstractContextManager[None]:
    """Return a context in which one frame of this size takes the least time, loading included.

    The operations of the flow networks are about as fast in plain PyTorch, and equal but for
    rounding. Those of the AdaCoF networks need their kernels, and so does every GPU.
    """
    plain = (
        isinstance(interpolator, Interpolator)
        and isinstance(interpolator.network, TimedNetwork)
        and interpolator.device.type == "cpu"
        and width * height <= SMALL
    )
    return without_kernels() if plain else nullcontext()

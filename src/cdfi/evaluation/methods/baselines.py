"""Baselines without a network: classical methods for a frame between two."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdfi.common.extras import need
from cdfi.evaluation.data.layouts import HALF
from cdfi.evaluation.data.rgb_images import RgbImage
from cdfi.evaluation.methods.minterpolate import minterpolate


def average(frame0: RgbImage, frame1: RgbImage, t: Fraction = HALF) -> RgbImage:
    """Return the mean of the two frames, weighted by 1 - t and t; halves rounded upward."""
    weight0, weight1 = t.denominator - t.numerator, t.numerator
    total = weight0 * frame0.astype(np.int64) + weight1 * frame1.astype(np.int64)
    mean: RgbImage = ((2 * total + t.denominator) // (2 * t.denominator)).astype(np.uint8)
    return mean


def dis(frame0: RgbImage, frame1: RgbImage, t: Fraction = HALF) -> RgbImage:
    """Return both frames warped to ``t`` by OpenCV's DIS optical flow, averaged by 1 - t and t.

    The flow at a pixel of one frame is used for that pixel of the frame between.

    Raises:
        ValueError: OpenCV is not installed.
    """
    cv2 = need("cv2", "the baseline 'dis'", "cdfi[evaluation]")
    grey0, grey1 = (cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (frame0, frame1))
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    to1 = float(t)
    warped0 = _moved(cv2, frame0, to1 * search.calc(grey0, grey1, None))
    warped1 = _moved(cv2, frame1, (1 - to1) * search.calc(grey1, grey0, None))
    return np.clip((1 - to1) * warped0 + to1 * warped1 + 0.5, 0, 255).astype(np.uint8)


def _moved(cv2: Any, frame: RgbImage, flow: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return ``frame`` moved by ``flow`` (H, W, 2), bilinear."""
    row, column = np.mgrid[: frame.shape[0], : frame.shape[1]].astype(np.float32)
    x, y = column - flow[..., 0], row - flow[..., 1]
    warped: NDArray[np.float32] = cv2.remap(
        frame.astype(np.float32), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return warped


BASELINES: dict[str, Callable[[RgbImage, RgbImage, Fraction], RgbImage]] = {
    "average": average,
    "dis": dis,
    "minterpolate": minterpolate,
}

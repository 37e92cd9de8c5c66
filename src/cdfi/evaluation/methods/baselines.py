"""Baselines without a network: classical methods for the middle frame."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdfi.common.extras import need
from cdfi.evaluation.data.rgb_images import RgbImage
from cdfi.evaluation.methods.minterpolate import minterpolate


def average(frame0: RgbImage, frame1: RgbImage) -> RgbImage:
    """Return the mean of the two frames, halves rounded upward."""
    mean: RgbImage = ((frame0.astype(np.uint16) + frame1 + 1) // 2).astype(np.uint8)
    return mean


def dis(frame0: RgbImage, frame1: RgbImage) -> RgbImage:
    """Return both frames warped half-way by OpenCV's DIS optical flow, averaged.

    The flow at a pixel of one frame is used for that pixel of the middle frame.

    Raises:
        ValueError: OpenCV is not installed.
    """
    cv2 = need("cv2", "the baseline 'dis'", "cdfi[evaluation]")
    grey0, grey1 = (cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (frame0, frame1))
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    warped0 = _half_way(cv2, frame0, search.calc(grey0, grey1, None))
    warped1 = _half_way(cv2, frame1, search.calc(grey1, grey0, None))
    return np.clip((warped0 + warped1) / 2 + 0.5, 0, 255).astype(np.uint8)


def _half_way(cv2: Any, frame: RgbImage, flow: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return ``frame`` moved by half of ``flow`` (H, W, 2), bilinear."""
    row, column = np.mgrid[: frame.shape[0], : frame.shape[1]].astype(np.float32)
    x, y = column - 0.5 * flow[..., 0], row - 0.5 * flow[..., 1]
    warped: NDArray[np.float32] = cv2.remap(
        frame.astype(np.float32), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return warped


BASELINES: dict[str, Callable[[RgbImage, RgbImage], RgbImage]] = {
    "average": average,
    "dis": dis,
    "minterpolate": minterpolate,
}

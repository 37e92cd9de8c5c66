"""Estimated motion of real shots, where the flows of both directions are consistent."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from cdfi.common.extras import need
from cdfi.common.rounding import to_bytes
from cdfi.data.batch import Batch, SampleRequest, SampleSource

# The largest inconsistency, in pixels^2 and relative to the squared lengths: Sundaram, section 3.1
_ABSOLUTE, _RELATIVE = 0.5, 0.01


class EstimatedMotion:
    """A source that adds optical flow by DIS to the samples of another source.

    Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016, from the middle
    frame to each side: half the motion between the outer frames. A point counts as visible if the
    backward flow leads back to it within about a pixel (Sundaram et al., ECCV 2010). Motion that
    the samples have already is replaced.

    Args:
        source: of real shots.

    Raises:
        ValueError: OpenCV is not installed.
    """

    def __init__(self, source: SampleSource) -> None:
        _opencv()
        self._source = source

    @property
    def size(self) -> int:
        """The size of the source."""
        return self._source.size

    def samples(self, requests: Sequence[SampleRequest]) -> Batch:
        """Return the samples of the source, with flows and masks."""
        batch = self._source.samples(requests)
        middles = _grey(batch.middle)
        flow0, visible0 = _motions(middles, _grey(batch.frame0))
        flow1, visible1 = _motions(middles, _grey(batch.frame1))
        return batch._replace(flow0=flow0, flow1=flow1, visible0=visible0, visible1=visible1)


def _grey(frames: torch.Tensor) -> np.ndarray:
    """Return (N, 3, H, W) in [0, 1] as grey uint8 (N, H, W), ITU-R BT.601."""
    weights = torch.tensor([0.299, 0.587, 0.114], device=frames.device)
    grey = torch.einsum("nchw,c->nhw", frames, weights)
    return to_bytes(grey).numpy()


def _motions(middles: np.ndarray, sides: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the flow, (N, 2, H, W) rows then columns, and where it is consistent, (N, 1, H, W)."""
    cv2 = _opencv()
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # the flow of DIS depends on the number of threads
    try:
        found = [_motion(cv2, middle, side) for middle, side in zip(middles, sides)]
    finally:
        cv2.setNumThreads(threads)
    flows, seen = (torch.from_numpy(np.stack(part)) for part in zip(*found))
    return flows, seen


def _motion(cv2: Any, middle: np.ndarray, side: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    there, back = search.calc(middle, side, None), search.calc(side, middle, None)
    height, width = middle.shape
    row, column = np.mgrid[:height, :width].astype(np.float32)
    to_column, to_row = column + there[..., 0], row + there[..., 1]
    inside = (to_column >= 0) & (to_column <= width - 1) & (to_row >= 0) & (to_row <= height - 1)
    returned = cv2.remap(back, to_column, to_row, cv2.INTER_LINEAR)
    lengths = np.square(there).sum(-1) + np.square(returned).sum(-1)
    agree = np.square(there + returned).sum(-1) < _ABSOLUTE + _RELATIVE * lengths
    flow = np.ascontiguousarray(there[..., ::-1].transpose(2, 0, 1))
    return flow, (agree & inside)[None].astype(np.float32)


def _opencv() -> Any:
    return need("cv2", "estimated motion (estimate_motion)", "cdfi[evaluation]")

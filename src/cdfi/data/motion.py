"""Estimated motion of real shots, with a weight for how well it explains the frames."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cdfi.common.extras import need
from cdfi.common.rounding import to_bytes
from cdfi.data.batch import Batch, SampleRequest, SampleSource
from cdfi.data.raft_file import RaftFlow
from cdfi.ops import warp

# The largest inconsistency, in pixels^2 and relative to the squared lengths: Sundaram, section 3.1
_ABSOLUTE, _RELATIVE = 0.5, 0.01
_SCALE = 0.1  # difference of colours, in [0, 1], at which a motion has half of the weight


class EstimatedMotion:
    """A source that adds optical flow to the samples of another source.

    The flow is estimated from the middle frame to each side. A point counts as visible if the
    backward flow leads back to it within about a pixel (Sundaram et al., ECCV 2010). Its weight is
    1 / (1 + (d / 0.1)^2) for a mean difference d of the colours that the flow joins, so that a
    wrong flow teaches little (after the robust weights of IFRNet, Kong et al., CVPR 2022, section
    3.3). Motion that the samples have already is replaced.

    Args:
        source: of real shots.
        teacher: a key of :data:`TEACHERS`: "dis" (OpenCV's DIS flow: Kroeger et al., ECCV 2016) or
            "raft" (RAFT-small, whose weights are downloaded on first use).

    Raises:
        ValueError: OpenCV is not installed, or the weights of RAFT cannot be had.
    """

    def __init__(self, source: SampleSource, teacher: str = "dis") -> None:
        self._source = source
        self._flow = TEACHERS[teacher]()

    @property
    def size(self) -> int:
        """The size of the source."""
        return self._source.size

    def samples(self, requests: Sequence[SampleRequest]) -> Batch:
        """Return the samples of the source, with flows and masks."""
        batch = self._source.samples(requests)
        flow0, visible0 = self._motion(batch.middle, batch.frame0)
        flow1, visible1 = self._motion(batch.middle, batch.frame1)
        return batch._replace(flow0=flow0, flow1=flow1, visible0=visible0, visible1=visible1)

    def _motion(self, middle: Tensor, side: Tensor) -> tuple[Tensor, Tensor]:
        """Return the flow, (N, 2, H, W) rows then columns, and its weight, (N, 1, H, W)."""
        there, back = self._flow(middle, side), self._flow(side, middle)
        return there, consistency(there, back) * agreement(middle, warp(side, there))


def consistency(there: Tensor, back: Tensor) -> Tensor:
    """Return 1 where the flow back leads to the start again, inside the frame; 0 elsewhere.

    Args:
        there: (N, 2, H, W), rows then columns, in pixels.
        back: the same, of the opposite direction.

    Returns:
        (N, 1, H, W).
    """
    rows, columns = (torch.arange(n, device=there.device) for n in there.shape[-2:])
    row, column = rows[:, None] + there[:, :1], columns + there[:, 1:]
    inside = (row >= 0) & (row <= len(rows) - 1) & (column >= 0) & (column <= len(columns) - 1)
    returned = warp(back, there)
    lengths = there.square().sum(1, keepdim=True) + returned.square().sum(1, keepdim=True)
    error = (there + returned).square().sum(1, keepdim=True)
    return (inside & (error < _ABSOLUTE + _RELATIVE * lengths)).to(there.dtype)


def agreement(frame: Tensor, followed: Tensor) -> Tensor:
    """Return a weight in (0, 1], (N, 1, H, W), for how similar two frames are about each pixel."""
    difference = (frame - followed).abs().mean(1, keepdim=True)
    near = torch.nn.functional.avg_pool2d(difference, 3, 1, 1, count_include_pad=False)
    return 1 / (1 + (near / _SCALE).square())


class DisFlow:
    """Optical flow by OpenCV's DIS with the preset "medium", on the CPU."""

    def __init__(self) -> None:
        _opencv()

    def __call__(self, frame0: Tensor, frame1: Tensor) -> Tensor:
        """Return the flow from ``frame0`` to ``frame1``, (N, 2, H, W) rows then columns."""
        cv2 = _opencv()
        threads = cv2.getNumThreads()
        cv2.setNumThreads(1)  # the flow of DIS depends on the number of threads
        try:
            pairs = zip(_grey(frame0), _grey(frame1))
            search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
            found = np.stack([search.calc(first, second, None) for first, second in pairs])
        finally:
            cv2.setNumThreads(threads)
        rows_first = np.ascontiguousarray(found[..., ::-1].transpose(0, 3, 1, 2))
        return torch.from_numpy(rows_first).to(frame0.device)


def _grey(frames: Tensor) -> np.ndarray:
    """Return (N, 3, H, W) in [0, 1] as grey uint8 (N, H, W), ITU-R BT.601."""
    weights = torch.tensor([0.299, 0.587, 0.114], device=frames.device)
    grey = torch.einsum("nchw,c->nhw", frames, weights)
    return to_bytes(grey).cpu().numpy()


def _opencv() -> Any:
    return need("cv2", "estimated motion (estimate_motion)", "cdfi[evaluation]")


#: What estimates the flow between two batches of frames.
TEACHERS: dict[str, Callable[[], Callable[[Tensor, Tensor], Tensor]]] = {
    "dis": DisFlow,
    "raft": RaftFlow,
}

"""Divide a stream of frames into takes without cuts and repeated frames."""

from collections.abc import Iterable, Iterator

import numpy as np

_DUPLICATE = 0.15  # mean absolute difference in 8-bit steps; re-encoded repeats stay below
_CUT_DIFFERENCE = 22.0  # 8-bit steps between thumbnails; fast pans of one scene stay below
_CUT_HISTOGRAM = 0.45  # fraction of pixels whose colour bin changes


def takes(frames: Iterable[np.ndarray], longest: int = 120) -> Iterator[np.ndarray]:
    """Yield the runs of distinct, continuous frames, uint8 (T, H, W, 3), 3 <= T <= ``longest``.

    A frame that repeats its predecessor is dropped; a cut or a change of size ends a run.
    """
    run: list[np.ndarray] = []
    for frame in frames:
        if run and _repeats(run[-1], frame):
            continue
        if run and (len(run) == longest or is_cut(run[-1], frame)):
            yield from _long_enough(run)
            run = []
        run.append(frame)
    yield from _long_enough(run)


def is_cut(before: np.ndarray, after: np.ndarray) -> bool:
    """Return whether two frames, uint8 (H, W, 3), belong to different scenes."""
    if before.shape != after.shape:
        return True
    small0, small1 = _thumbnail(before), _thumbnail(after)
    if np.abs(small0 - small1).mean() < _CUT_DIFFERENCE:
        return False
    changed = np.abs(_histogram(small0) - _histogram(small1)).sum() / 2
    return bool(changed > _CUT_HISTOGRAM)


def _long_enough(run: list[np.ndarray]) -> Iterator[np.ndarray]:
    if len(run) >= 3:
        yield np.stack(run)


def _repeats(before: np.ndarray, after: np.ndarray) -> bool:
    if before.shape != after.shape:
        return False
    rows = slice(None, None, 3)  # every third row and column is enough, and nine times faster
    difference = before[rows, rows].astype(np.int16) - after[rows, rows]
    return bool(np.abs(difference).mean() < _DUPLICATE)


def _thumbnail(frame: np.ndarray) -> np.ndarray:
    """Return the means of about 16 x 16 blocks, float32 (h, w, 3)."""
    step_y, step_x = max(1, frame.shape[0] // 16), max(1, frame.shape[1] // 16)
    height, width = frame.shape[0] // step_y, frame.shape[1] // step_x
    blocks = frame[: height * step_y, : width * step_x]
    blocks = blocks.reshape(height, step_y, width, step_x, 3)
    means: np.ndarray = blocks.mean(axis=(1, 3), dtype=np.float32)
    return means


def _histogram(thumbnail: np.ndarray) -> np.ndarray:
    """Return the fraction of each of 64 colours."""
    bins = (thumbnail // 64).astype(np.int64) @ np.array([16, 4, 1])
    fractions: np.ndarray = np.bincount(bins.ravel(), minlength=64) / bins.size
    return fractions

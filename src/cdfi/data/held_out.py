"""The real triplets a run never trains on: chosen by name, fixed, from slow to fast."""

from collections.abc import Sequence

import numpy as np

from cdfi.data.clips import Take, is_held_out
from cdfi.data.triplets import Paths, load_triplet

_COUNT = 40
_SIDE = 256
_STRIDES = (1, 2, 3)
_VIMEO_SHARE = 64  # one group of triplets in so many


def clip_triplets(takes: Sequence[Take], count: int = _COUNT) -> np.ndarray | None:
    """The validation triplets of the held-out takes, uint8 (M, 3, S, S, 3).

    Every held-out take offers its centre at strides 1, 2 and 3; of these, ``count`` are taken at
    even steps in the order of how much changes. None where no take is held out.
    """
    held_out = [take for take in takes if take.held_out]
    if not held_out:
        return None
    side = min(_SIDE, *(min(take.height, take.width) for take in held_out))
    offered = [
        _centre(take, stride, side)
        for take in held_out
        for stride in _STRIDES
        if take.frames > 2 * stride
    ]
    offered.sort(key=_change)
    places = np.linspace(0, len(offered) - 1, min(count, len(offered))).round().astype(int)
    return np.stack([offered[place] for place in places])


def split_triplets(triplets: Sequence[Paths]) -> tuple[list[Paths], list[Paths]]:
    """Training and validation triplets.

    Triplets are grouped by the folder above their own, which in Vimeo-90K is about the source
    video; a folder of triplets without such groups is divided triplet by triplet.
    """
    groups = [triplet[0].parent.parent.name for triplet in triplets]
    if len(set(groups)) == 1:
        groups = [triplet[0].parent.name for triplet in triplets]
    chosen = [is_held_out(group, _VIMEO_SHARE) for group in groups]
    training = [triplet for triplet, held in zip(triplets, chosen) if not held]
    return training, [triplet for triplet, held in zip(triplets, chosen) if held]


def file_triplets(triplets: Sequence[Paths], count: int = _COUNT) -> np.ndarray | None:
    """The centres of up to ``count`` of these triplets, evenly spaced; None if there are none."""
    if not triplets:
        return None
    places = np.linspace(0, len(triplets) - 1, min(count, len(triplets))).round().astype(int)
    loaded = [load_triplet(triplets[place]) for place in places]
    side = min(_SIDE, *(min(frames.shape[1:3]) for frames in loaded))
    return np.stack([_middle_of(frames, side) for frames in loaded])


def _centre(take: Take, stride: int, side: int) -> np.ndarray:
    middle = take.frames // 2
    frames = take.pixels()[[middle - stride, middle, middle + stride]]
    return _middle_of(frames, side)


def _middle_of(frames: np.ndarray, side: int) -> np.ndarray:
    top, left = ((length - side) // 2 for length in frames.shape[1:3])
    return frames[:, top : top + side, left : left + side]


def _change(frames: np.ndarray) -> float:
    return float(np.abs(frames[0].astype(np.int16) - frames[2]).mean())

"""Validation triplets: a fixed set, chosen by name, with slow and fast motion."""

from collections.abc import Sequence

import numpy as np

from cdfi.data.clips import Take, is_held_out
from cdfi.data.triplets import Paths, load_triplet

_COUNT = 40
_SIDE = 256
_STRIDES = (1, 2, 3)
_ONE_GROUP_IN = 64


def clip_triplets(takes: Sequence[Take], count: int = _COUNT) -> np.ndarray | None:
    """Return the validation triplets of the held-out takes, uint8 (M, 3, S, S, 3).

    The candidates are the centre of every held-out take at strides 1, 2 and 3. Sorted by the
    difference of their outer frames, ``count`` of them at even steps are returned; None if no take
    is held out.
    """
    held_out = [take for take in takes if take.held_out]
    if not held_out:
        return None
    side = min(_SIDE, *(min(take.height, take.width) for take in held_out))
    candidates = [
        _centre(take, stride, side)
        for take in held_out
        for stride in _STRIDES
        if take.frames > 2 * stride
    ]
    candidates.sort(key=_change)
    chosen = np.linspace(0, len(candidates) - 1, min(count, len(candidates))).round().astype(int)
    return np.stack([candidates[index] for index in chosen])


def split_triplets(triplets: Sequence[Paths]) -> tuple[list[Paths], list[Paths]]:
    """Return the training and the validation triplets.

    Triplets are grouped by the parent of their folder, which in Vimeo-90K is roughly the source
    video; without such groups, each triplet is a group of its own.
    """
    groups = [triplet[0].parent.parent.name for triplet in triplets]
    if len(set(groups)) == 1:
        groups = [triplet[0].parent.name for triplet in triplets]
    chosen = [is_held_out(group, _ONE_GROUP_IN) for group in groups]
    training = [triplet for triplet, held in zip(triplets, chosen) if not held]
    return training, [triplet for triplet, held in zip(triplets, chosen) if held]


def file_triplets(triplets: Sequence[Paths], count: int = _COUNT) -> np.ndarray | None:
    """Return the centres of up to ``count`` of these triplets, evenly spaced; None without any."""
    if not triplets:
        return None
    chosen = np.linspace(0, len(triplets) - 1, min(count, len(triplets))).round().astype(int)
    loaded = [load_triplet(triplets[index]) for index in chosen]
    side = min(_SIDE, *(min(frames.shape[1:3]) for frames in loaded))
    return np.stack([_centre_crop(frames, side) for frames in loaded])


def _centre(take: Take, stride: int, side: int) -> np.ndarray:
    middle = take.frames // 2
    frames = take.pixels()[[middle - stride, middle, middle + stride]]
    return _centre_crop(frames, side)


def _centre_crop(frames: np.ndarray, side: int) -> np.ndarray:
    top, left = ((length - side) // 2 for length in frames.shape[1:3])
    return frames[:, top : top + side, left : left + side]


def _change(frames: np.ndarray) -> float:
    return float(np.abs(frames[0].astype(np.int16) - frames[2]).mean())

"""Random augmentations of batches of triplets, on any device."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import permutations

import torch
from torch import Tensor

from cdfi.common.choices import unknown_name
from cdfi.data.batch import Batch
from cdfi.data.degrade import add_noise, compress_blocks

Change = Callable[[Batch, Tensor], Batch]
_BRIGHTNESS = 0.2


def augment(batch: Batch, numbers: Tensor, changes: Sequence[str]) -> Batch:
    """Apply the named changes, each to a random part of the batch.

    Args:
        batch: N triplets.
        numbers: (N, 8) uniform in [0, 1), column i for row i of ``CHANGES``: the only randomness.
        changes: names out of ``CHANGES``.

    Raises:
        ValueError: an unknown name; the message shows similar ones.
    """
    check_changes(changes)
    for column, (name, change) in enumerate(CHANGES.items()):
        if name in changes:
            batch = change(batch, numbers[:, column])
    return batch


def check_changes(names: Sequence[str]) -> None:
    """Raise ValueError for a name that is not in ``CHANGES``."""
    for name in names:
        if name not in CHANGES:
            raise unknown_name("augmentation", name, CHANGES)


def _choose(u: Tensor, batch: Batch, changed: Batch) -> Batch:
    """Return the changed triplet where u < 0.5, else the old one."""
    mask = (u < 0.5)[:, None, None, None]
    return Batch(*(torch.where(mask, new, old) for old, new in zip(batch, changed)))


def _mirror(batch: Batch, axis: int) -> Batch:
    """Mirror all planes along rows (2) or columns (3); motion along it changes sign."""
    sign = torch.ones(2, device=batch.flow0.device)
    sign[axis - 2 : axis - 1].fill_(-1.0)  # a plain assignment would synchronise with a GPU
    flipped = Batch(*(field.flip(axis) for field in batch))
    flow0, flow1 = (flow * sign[:, None, None] for flow in (flipped.flow0, flipped.flow1))
    return flipped._replace(flow0=flow0, flow1=flow1)


def _horizontal(batch: Batch, u: Tensor) -> Batch:
    return _choose(u, batch, _mirror(batch, 3))


def _vertical(batch: Batch, u: Tensor) -> Batch:
    return _choose(u, batch, _mirror(batch, 2))


def _rotate(batch: Batch, u: Tensor) -> Batch:
    """Swap rows and columns; with the mirrors, every rotation by a right angle can occur."""
    if batch.middle.shape[2] != batch.middle.shape[3]:
        return batch  # only square frames keep their shape
    turned = Batch(*(field.transpose(2, 3) for field in batch))
    turned = turned._replace(flow0=turned.flow0.flip(1), flow1=turned.flow1.flip(1))
    return _choose(u, batch, turned)


def _reverse(batch: Batch, u: Tensor) -> Batch:
    """Reverse the time."""
    f0, middle, f1, flow0, flow1, visible0, visible1, t = batch
    return _choose(u, batch, Batch(f1, middle, f0, flow1, flow0, visible1, visible0, 1 - t))


def _channels(batch: Batch, u: Tensor) -> Batch:
    """Permute red, green and blue."""
    orders = _orders(u.device)
    order = orders[(u * len(orders)).long()]
    rows = torch.arange(len(u), device=u.device)[:, None]
    return batch._replace(
        frame0=batch.frame0[rows, order],
        middle=batch.middle[rows, order],
        frame1=batch.frame1[rows, order],
    )


@lru_cache(maxsize=4)
def _orders(device: torch.device) -> Tensor:
    """Return (6, 3) orders; cached, since a copy to a GPU is a synchronisation."""
    return torch.tensor(list(permutations(range(3))), device=device)


def _brightness(batch: Batch, u: Tensor) -> Batch:
    """Scale the brightness of all three frames by up to a fifth, clipped at white."""
    gain = (1 + _BRIGHTNESS * (2 * u - 1))[:, None, None, None]
    return batch._replace(
        frame0=(batch.frame0 * gain).clamp(max=1),
        middle=(batch.middle * gain).clamp(max=1),
        frame1=(batch.frame1 * gain).clamp(max=1),
    )


def _noise(batch: Batch, u: Tensor) -> Batch:
    """Add independent noise to both inputs; the frame to predict stays clean."""
    strength = (2 * u).clamp(max=1)
    noisy = batch._replace(
        frame0=add_noise(batch.frame0, strength),
        frame1=add_noise(batch.frame1, strength, stream=1),
    )
    return _choose(u, batch, noisy)


def _compression(batch: Batch, u: Tensor) -> Batch:
    """Quantise the blocks of both inputs; the frame to predict stays clean."""
    strength = (2 * u).clamp(max=1)
    compressed = batch._replace(
        frame0=compress_blocks(batch.frame0, strength),
        frame1=compress_blocks(batch.frame1, strength),
    )
    return _choose(u, batch, compressed)


CHANGES: dict[str, Change] = {
    "horizontal": _horizontal,
    "vertical": _vertical,
    "rotate": _rotate,
    "reverse": _reverse,
    "channels": _channels,
    "brightness": _brightness,
    "noise": _noise,
    "compression": _compression,
}

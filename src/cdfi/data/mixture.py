"""A weighted mixture of sources, as one stream that is a function of (seed, step, process)."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from torch.utils.data import Dataset

from cdfi.data.augment import CHANGES, augment
from cdfi.data.batch import Batch, SampleRequest, SampleSource, join, uniform


class WeightedSource(NamedTuple):
    """A source and its weight in the mixture."""

    source: SampleSource
    weight: float


class Mixture:
    """An endless, reproducible stream of augmented samples.

    Sample number i has its own random numbers, seeded by (seed, i), which choose its source too. So
    the stream is the same for any number of workers or processes, and can start at any sample.

    Args:
        sources: sources and weights; the weights need not sum to 1.
        augmentations: by name.
        seed: of the stream.

    Raises:
        ValueError: no source, or weights that are not positive.
    """

    def __init__(
        self, sources: Sequence[WeightedSource], augmentations: Sequence[str], seed: int = 0
    ) -> None:
        weights = np.array([row.weight for row in sources], dtype=np.float64)
        if not len(weights) or not (weights > 0).all():
            raise ValueError(f"a mixture needs sources with positive weights, not {list(weights)}")
        self._sources = [row.source for row in sources]
        self._weights = weights / weights.sum()
        self._augmentations, self._seed = tuple(augmentations), seed

    @property
    def size(self) -> int:
        """The number of samples in which every source is passed once: one epoch."""
        return max(
            int(np.ceil(source.size / weight))
            for source, weight in zip(self._sources, self._weights)
        )

    def batch(self, first: int, count: int) -> Batch:
        """Return samples ``first`` to ``first + count``, grouped by source."""
        randoms = [np.random.default_rng((self._seed, first + i)) for i in range(count)]
        chosen = [self._choose(random) for random in randoms]
        parts: list[Batch] = []
        kept: list[np.random.Generator] = []
        for number, source in enumerate(self._sources):
            mine = [i for i in range(count) if chosen[i] == number]
            if mine:
                # sources that iterate over a list show each entry about once an epoch
                numbers = [int((first + i) * self._weights[number]) for i in mine]
                requests = [SampleRequest(n, randoms[i]) for n, i in zip(numbers, mine)]
                parts.append(source.samples(requests))
                kept += [randoms[i] for i in mine]
        return augment(join(parts), uniform(kept, (len(CHANGES),)), self._augmentations)

    def _choose(self, random: np.random.Generator) -> int:
        if len(self._sources) == 1:
            return 0
        return int(np.searchsorted(np.cumsum(self._weights)[:-1], random.random(), side="right"))


class BatchDataset(Dataset[Batch]):
    """Batch number n of one process, for a ``DataLoader`` with ``batch_size=None``.

    Args:
        mixture: the stream.
        batch: samples in a batch.
        rank: number of this process.
        processes: number of processes that divide the stream among them.
    """

    def __init__(self, mixture: Mixture, batch: int, rank: int = 0, processes: int = 1) -> None:
        self._mixture, self._batch, self._rank, self._processes = mixture, batch, rank, processes

    def __getitem__(self, index: int) -> Batch:
        first = (index * self._processes + self._rank) * self._batch
        return self._mixture.batch(first, self._batch)

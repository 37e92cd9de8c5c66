"""The stream of samples is a function of the seed and the number of a sample alone."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from cdfi.data.batch import Batch
from cdfi.data.mixture import BatchDataset, Mixture, WeightedSource
from cdfi.data.photos import photo_cache
from cdfi.data.synthetic import Synthetic


@pytest.fixture
def mixture(photos: Path, tmp_path: Path) -> Mixture:
    source = Synthetic(photo_cache(photos, tmp_path / "cache", (64, 96)), 32)
    return Mixture(
        [WeightedSource(source, 3.0), WeightedSource(source, 1.0)],
        ["horizontal", "reverse"],
        seed=5,
    )


def _same(one: Batch, two: Batch) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, two))


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_do_not_change_the_stream(mixture: Mixture, workers: int) -> None:
    loader = DataLoader(
        BatchDataset(mixture, 3), batch_size=None, sampler=range(2, 5), num_workers=workers
    )
    for step, batch in zip(range(2, 5), loader):
        assert _same(batch, mixture.batch(3 * step, 3))


def test_processes_divide_the_stream_between_them(mixture: Mixture) -> None:
    complete = mixture.batch(4, 4)
    parts = [BatchDataset(mixture, 2, rank, 2)[1] for rank in range(2)]
    middles = torch.cat([part.middle for part in parts])
    sums = middles.sum((1, 2, 3)).sort().values
    expected = complete.middle.sum((1, 2, 3)).sort().values
    torch.testing.assert_close(sums, expected, rtol=1e-6, atol=0)


def test_another_seed_is_another_stream(photos: Path, tmp_path: Path) -> None:
    source = Synthetic(photo_cache(photos, tmp_path / "cache", (64, 96)), 32)
    one, two = (Mixture([WeightedSource(source, 1.0)], [], seed).batch(0, 2) for seed in (0, 1))
    assert not _same(one, two)


def test_sources_occur_by_their_weights(mixture: Mixture) -> None:
    chosen = [mixture._choose(np.random.default_rng((5, i))) for i in range(2000)]
    assert np.mean(chosen) == pytest.approx(0.25, abs=0.04)


@pytest.mark.parametrize("weight", [0.0, -1.0])
def test_weights_must_be_positive(photos: Path, tmp_path: Path, weight: float) -> None:
    source = Synthetic(photo_cache(photos, tmp_path / "cache", (64, 96)), 32)
    with pytest.raises(ValueError, match="positive weights"):
        Mixture([WeightedSource(source, weight)], [])

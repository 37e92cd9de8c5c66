"""The cache folder."""

from pathlib import Path

import pytest

from cdfi.common.cache import cache_folder, training_cache


def test_training_data_is_cached_in_the_chosen_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CDFI_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    assert training_cache() == tmp_path / "training"

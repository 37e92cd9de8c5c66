"""Compilation with Numba."""

import pytest
from numba.core import caching

from cdfi.common.numba import compiled


def test_a_kernel_without_a_folder_to_cache_in_is_compiled_in_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])

    def double(number: int) -> int:
        return 2 * number

    assert compiled(double)(21) == 42

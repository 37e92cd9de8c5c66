"""Tests for imports without garbage collection."""

import gc
import sys

import pytest

from cdfi.common.quick_imports import quick_imports


def test_the_collector_is_paused_and_runs_again():
    with quick_imports():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_the_collector_runs_again_after_an_error():
    with pytest.raises(ImportError), quick_imports():
        raise ImportError("missing")
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off():
    gc.disable()
    try:
        with quick_imports():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_what_is_imported_is_excluded_from_later_collections(tmp_path, monkeypatch):
    (tmp_path / "imported_once.py").write_text("kept = [[] for _ in range(50)]\n")
    monkeypatch.syspath_prepend(tmp_path)
    before = gc.get_freeze_count()
    try:
        with quick_imports():
            import imported_once
        assert gc.get_freeze_count() >= before + 50
        frozen = gc.get_freeze_count()
        with quick_imports():
            import imported_once  # noqa: F401
        assert gc.get_freeze_count() == frozen
    finally:
        gc.unfreeze()
        sys.modules.pop("imported_once", None)

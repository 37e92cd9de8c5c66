"""Tests for imports without garbage collection."""

import gc

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

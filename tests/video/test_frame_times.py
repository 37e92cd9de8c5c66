"""Tests for what a dry run measures of the network, and when it measures again."""

import os
import time

import pytest
import torch

from cdfi.video.frame_times import VALID, frame_time
from cdfi.video.jobs.model import ModelSpec

SIZE = 8, 12


class Counting:
    """Interpolates by averaging, and counts its frames."""

    def __init__(self):
        self.frames = 0

    def between(self, frame0, frame1, times, tolerance, /):
        self.frames += len(times)
        return [(frame0 + frame1) / 2 for _ in times]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CDFI_CACHE", str(tmp_path))
    return tmp_path / "frame-times"


def test_a_model_is_measured_once_a_day(cache):
    model = Counting()
    first = frame_time(ModelSpec("flow", "cpu"), model, SIZE)
    measured = model.frames
    assert 0 < first.least <= first.usual <= first.most and measured > 1
    assert frame_time(ModelSpec("flow", "cpu"), model, SIZE) == first and model.frames == measured
    (file,) = cache.iterdir()
    old = time.time() - VALID - 60
    os.utime(file, (old, old))
    frame_time(ModelSpec("flow", "cpu"), model, SIZE)
    assert model.frames == 2 * measured


@pytest.mark.parametrize(
    "spec",
    [ModelSpec("flow-wide", "cpu"), ModelSpec("flow", "cpu", "bf16"), ModelSpec("flow", "meta")],
)
def test_another_model_precision_or_device_is_measured_itself(cache, spec):
    model = Counting()
    frame_time(ModelSpec("flow", "cpu", "fp32"), model, SIZE)
    before = model.frames
    frame_time(spec, model, SIZE)
    assert model.frames == 2 * before


def test_another_size_or_number_of_threads_is_measured_itself(cache, monkeypatch):
    model = Counting()
    frame_time(ModelSpec("flow", "cpu"), model, SIZE)
    before = model.frames
    frame_time(ModelSpec("flow", "cpu"), model, (8, 8))
    monkeypatch.setattr(torch, "get_num_threads", lambda: 99)
    frame_time(ModelSpec("flow", "cpu"), model, SIZE)
    assert model.frames == 3 * before


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"usual": "a", "least": 1, "most": 2}', "\0"])
def test_a_damaged_measurement_is_replaced(cache, text):
    model = Counting()
    first = frame_time(ModelSpec("flow", "cpu"), model, SIZE)
    (file,) = cache.iterdir()
    file.write_text(text)
    before = model.frames
    assert frame_time(ModelSpec("flow", "cpu"), model, SIZE) is not first
    assert model.frames == 2 * before


def test_a_cache_that_cannot_be_written_is_no_error(cache):
    cache.write_text("a file where the folder should be")
    assert frame_time(ModelSpec("flow", "cpu"), Counting(), SIZE).usual > 0


def test_a_given_interpolator_is_always_measured(cache):
    model = Counting()
    frame_time(model, model, SIZE)
    before = model.frames
    frame_time(model, model, SIZE)
    assert model.frames == 2 * before and not cache.exists()

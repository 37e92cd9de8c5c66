"""Measure the time of one frame, once a day for each model and size."""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import torch

from cdfi.common.cache import cache_folder
from cdfi.common.devices import choose_device
from cdfi.common.files import write_text
from cdfi.video.jobs.model import FrameInterpolator, Model, ModelSpec, fingerprint

HALF = [Fraction(1, 2)]
TRIALS = 3
WARM_UP = 32, 32  # the size of the frame that is interpolated first
VALID = 24 * 3600  # seconds for which a measurement is used again


class FrameTime(NamedTuple):
    """Seconds that one interpolated frame takes.

    Attributes:
        usual: the median of the trials.
        least: if the network works alone.
        most: if decoder and encoder take as long as the network, on the same processors.
    """

    usual: float
    least: float
    most: float

    def scaled(self, factor: float) -> FrameTime:
        """Return the times of a frame with ``factor`` times as many pixels."""
        return FrameTime(*(factor * seconds for seconds in self))


def frame_time(
    model: Model,
    interpolator: FrameInterpolator,
    size: tuple[int, int],
    warm_up: tuple[int, int] = WARM_UP,
) -> FrameTime:
    """Return what one frame takes: as measured in the last 24 hours on this machine, or now.

    Args:
        model: what the interpolator was built from; only a ModelSpec's times are kept.
        interpolator: is run if there is no measurement.
        size: height and width of the frame.
        warm_up: height and width of the frame that is interpolated before.
    """
    if not isinstance(model, ModelSpec):
        return _measured(interpolator, size, warm_up)
    path = _cache_file(model, size)
    with suppress(OSError, ValueError, TypeError, KeyError):  # missing or damaged
        if 0 <= time.time() - path.stat().st_mtime < VALID:
            row = json.loads(path.read_text(encoding="utf-8"))
            return FrameTime(*(float(row[name]) for name in FrameTime._fields))
    found = _measured(interpolator, size, warm_up)
    with suppress(OSError):  # without a writable cache, the next call measures again
        write_text(path, json.dumps(found._asdict()))
    return found


def _cache_file(model: ModelSpec, size: tuple[int, int]) -> Path:
    """Return the file for everything on which the time depends, except the machine."""
    device = model.device if model.uses_runtime else str(choose_device(model.device))
    software = torch.__version__, torch.get_num_threads()
    key = repr((fingerprint(model), model.memory, model.backend, device, size, software))
    name = hashlib.sha256(key.encode()).hexdigest()[:32]
    return cache_folder() / "frame-times" / f"{name}.json"


def _measured(
    interpolator: FrameInterpolator, size: tuple[int, int], warm_up: tuple[int, int]
) -> FrameTime:
    _seconds(interpolator, warm_up)
    trials = sorted(_seconds(interpolator, size) for _ in range(TRIALS))
    return FrameTime(trials[TRIALS // 2], trials[0], 2 * trials[-1])


def _seconds(interpolator: FrameInterpolator, size: tuple[int, int]) -> float:
    """Return how long one frame of noise takes."""
    frames = torch.rand(2, 3, *size)
    begin = time.perf_counter()
    for _ in interpolator.between(frames[0], frames[1], HALF, Fraction(1, 16)):
        pass
    return time.perf_counter() - begin

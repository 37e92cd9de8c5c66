"""Make segments in several processes, on one device each if there are several."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import Counter
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from typing import Any

import av
import torch

from cdfi.video.jobs.job import Job
from cdfi.video.jobs.model import FrameInterpolator, ModelSpec, resolve_model
from cdfi.video.jobs.segments import OnProgress, make_segments

POLL = 0.5  # seconds between calls of the progress callback
PER_CORE = 4  # processes that are allowed for each processor: more only cost memory
_worker: _Worker | None = None  # of a worker process


def processes_for(jobs: int | None, model: ModelSpec | FrameInterpolator) -> int:
    """Return how many processes to use: ``jobs``, by default one for each CUDA device.

    Raises:
        ValueError: ``jobs`` is below 1 or far above the number of processors.
    """
    if jobs is None:
        any_device = isinstance(model, ModelSpec) and model.device in (None, "auto", "cuda")
        return max(torch.cuda.device_count(), 1) if any_device else 1
    most = PER_CORE * (os.cpu_count() or 1)
    if not 1 <= jobs <= most:
        raise ValueError(
            f"jobs must be from 1 to {most}, got {jobs}: each is a process with its own network, "
            f"and this machine has {os.cpu_count()} processors"
        )
    return jobs


def make_in_parallel(
    job: Job,
    model: ModelSpec | FrameInterpolator,
    numbers: list[int],
    jobs: int,
    on_progress: OnProgress,
) -> Counter[str]:
    """Make the segments ``numbers`` in ``jobs`` processes; see ``make_segments``.

    Raises:
        ChildProcessError: a process died.
        OSError, ValueError, RuntimeError: the first error of a process.
    """
    context = multiprocessing.get_context("spawn")
    written, stop, order = context.Value("q", 0), context.Event(), context.Value("i", 0)
    pool = ProcessPoolExecutor(
        jobs, context, initializer=_start, initargs=(job, model, jobs, written, stop, order)
    )
    try:
        futures = [pool.submit(_make, number) for number in numbers]
        return _collect(futures, written, on_progress)
    except BrokenProcessPool as error:
        raise ChildProcessError(
            "a process that encodes segments died, perhaps because memory ran out: the finished "
            "segments are kept; run the command again with fewer --jobs"
        ) from error
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


def _collect(
    futures: list[Future[Counter[str]]], written: Any, on_progress: OnProgress
) -> Counter[str]:
    """Wait for ``futures``, report progress, and return the sum of their results."""
    pending, reported = set(futures), 0
    while pending:
        done, pending = wait(pending, POLL, FIRST_EXCEPTION)
        count = written.value
        on_progress(count - reported)
        reported = count
        for future in done:
            future.result()
    notes: Counter[str] = Counter()
    for future in futures:
        notes.update(future.result())
    return notes


class _Worker:
    """What a worker process keeps between segments; the network is built with the first one."""

    def __init__(
        self,
        job: Job,
        model: ModelSpec | FrameInterpolator,
        jobs: int,
        written: Any,
        stop: Any,
        order: Any,
    ) -> None:
        self.job, self.jobs, self.written, self.stop = job, jobs, written, stop
        with order.get_lock():
            self.model = _placed(model, order.value)
            order.value += 1
        self.interpolator: FrameInterpolator | None = None

    def make(self, number: int) -> Counter[str]:
        if self.interpolator is None:
            torch.set_num_threads(max((os.cpu_count() or 1) // self.jobs, 1))
            self.interpolator = resolve_model(self.model)
        segment = range(number, number + 1)
        return make_segments(self.job, self.interpolator, segment, self._on_progress)

    def _on_progress(self, count: int) -> None:
        if self.stop.is_set():
            raise InterruptedError("the run was stopped")
        with self.written.get_lock():
            self.written.value += count


def _start(*arguments: Any) -> None:
    """Prepare a worker process; Ctrl-C is handled by the parent, which stops the workers."""
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _worker = _Worker(*arguments)


def _make(number: int) -> Counter[str]:
    """Make one segment in a worker process; errors are changed to ones that can be pickled."""
    assert _worker is not None
    try:
        return _worker.make(number)
    except (av.error.FFmpegError, ValueError) as error:
        raise ValueError(str(error)) from None
    except OSError as error:
        raise OSError(*((error.errno, error.strerror) if error.errno else (str(error),))) from None
    except BaseException as error:
        raise RuntimeError(f"{type(error).__name__}: {error}") from None


def _placed(model: ModelSpec | FrameInterpolator, number: int) -> ModelSpec | FrameInterpolator:
    """Return ``model`` on the device for worker ``number``."""
    count = torch.cuda.device_count()
    if isinstance(model, ModelSpec) and count > 1 and model.device in (None, "auto", "cuda"):
        return replace(model, device=f"cuda:{number % count}")
    return model

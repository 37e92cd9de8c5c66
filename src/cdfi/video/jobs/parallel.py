"""Make segments in several processes, on one device each if there are several."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import av
import torch

from cdfi.video.jobs.claimed import ClaimedSegments, make_claimed
from cdfi.video.jobs.claims import Claims
from cdfi.video.jobs.job import Job
from cdfi.video.jobs.model import FrameInterpolator, ModelSpec, resolve_model
from cdfi.video.jobs.segments import OnProgress
from cdfi.video.jobs.watch import LiveWatch

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
    jobs: int,
    on_progress: OnProgress,
    live: Path | None = None,
) -> Counter[str]:
    """Make the free segments in ``jobs`` processes; return the notes of ``make_segments``.

    The segments of a process that dies are made by the others. ``live`` is the path of a picture
    that all of them keep.

    Raises:
        ChildProcessError: all processes died.
        OSError, ValueError, RuntimeError: the first error of a process.
    """
    context = multiprocessing.get_context("spawn")
    written, stop, order = context.Value("q", 0), context.Event(), context.Value("i", 0)
    shared = (job, model, jobs, written, stop, order, live)
    # One pool for each process: the death of a process breaks its pool.
    pools = [
        ProcessPoolExecutor(1, context, initializer=_start, initargs=shared) for _ in range(jobs)
    ]
    try:
        return _collect([pool.submit(_make) for pool in pools], written, on_progress)
    finally:
        stop.set()
        for pool in pools:
            pool.shutdown(cancel_futures=True)


def _collect(
    futures: list[Future[Counter[str]]], written: Any, on_progress: OnProgress
) -> Counter[str]:
    """Wait for ``futures``, report progress, and return the sum of their results."""
    pending, reported, notes, deaths = set(futures), 0, Counter[str](), 0
    while pending:
        done, pending = wait(pending, POLL, FIRST_COMPLETED)
        count = written.value
        on_progress(count - reported)
        reported = count
        for future in done:
            try:
                notes.update(future.result())
            except BrokenProcessPool as error:
                deaths += 1
                if deaths == len(futures):
                    raise ChildProcessError(
                        "a process that encodes segments died, perhaps because memory ran out: the "
                        "finished segments are kept; run the command again with fewer --jobs"
                    ) from error
    return notes


class _Worker:
    """What a worker process needs; the network is built with its first segment."""

    def __init__(
        self,
        job: Job,
        model: ModelSpec | FrameInterpolator,
        jobs: int,
        written: Any,
        stop: Any,
        order: Any,
        live: Path | None,
    ) -> None:
        self.job, self.jobs, self.written, self.stop = job, jobs, written, stop
        self.watch = LiveWatch(live)
        with order.get_lock():
            self.model = _placed(model, order.value)
            order.value += 1

    def make(self) -> Counter[str]:
        """Make segments until none is free."""
        with Claims(self.job.work.path) as claims:
            job = replace(self.job, work=replace(self.job.work, worker=claims.owner.worker))
            queue = ClaimedSegments(job, claims)
            return make_claimed(queue, cache(self._build), self._on_progress, self.watch)

    def _build(self) -> FrameInterpolator:
        torch.set_num_threads(max((os.cpu_count() or 1) // self.jobs, 1))
        return resolve_model(self.model)

    def _on_progress(self, count: int) -> None:
        if self.stop.is_set():
            raise InterruptedError("the run was stopped")
        with self.written.get_lock():
            self.written.value += count


def _start(*arguments: Any) -> None:
    """Prepare a worker process; Ctrl-C is handled by the parent, which stops the workers."""
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _worker = _Worker(*arguments)


def _end_with_parent() -> None:
    """End this process if the parent is killed; an idle process of a pool would wait for ever."""
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)


def _make() -> Counter[str]:
    """Make segments in a worker process; errors are changed to ones that can be pickled."""
    assert _worker is not None
    try:
        return _worker.make()
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

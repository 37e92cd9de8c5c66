"""Segments made by several processes at once, one device each where there are several."""

from __future__ import annotations

import multiprocessing
import os
import queue
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.process import BaseProcess
from multiprocessing.queues import Queue
from typing import Any

import torch

from cdfi.video.jobs.job import Job
from cdfi.video.jobs.model import FrameInterpolator, ModelSpec, resolve_model
from cdfi.video.jobs.segments import OnProgress, make_segments

POLL = 0.5  # seconds between looks at whether the processes still live


def processes_for(jobs: int | None, model: ModelSpec | FrameInterpolator) -> int:
    """How many processes to use: what was asked for, else one for each CUDA device."""
    if jobs is not None:
        if jobs < 1:
            raise ValueError(f"jobs must be 1 or more, got {jobs}")
        return jobs
    anywhere = isinstance(model, ModelSpec) and model.device in (None, "auto", "cuda")
    return max(torch.cuda.device_count(), 1) if anywhere else 1


def make_in_parallel(
    job: Job, model: ModelSpec | FrameInterpolator, numbers: list[int], jobs: int, shown: OnProgress
) -> Counter[str]:
    """Make the segments ``numbers`` in ``jobs`` processes; see ``make_segments``.

    Raises the first error of a process, and ChildProcessError where one dies without a word.
    """
    context = multiprocessing.get_context("spawn")
    todo: Queue[int | None] = context.Queue()
    told: Queue[Any] = context.Queue()
    for number in [*numbers, *[None] * jobs]:
        todo.put(number)
    notes: Counter[str] = Counter()
    with _running(context, jobs, (job, model, jobs, todo, told)) as workers:
        left = jobs
        while left:
            try:
                message = told.get(timeout=POLL)
            except queue.Empty:
                _check_alive(workers)
                continue
            if isinstance(message, int):
                shown(message)
            elif isinstance(message, BaseException):
                raise message
            else:
                notes.update(message)
                left -= 1
    return notes


@contextmanager
def _running(context: Any, jobs: int, arguments: tuple[Any, ...]) -> Iterator[list[BaseProcess]]:
    """The processes, which end with the block."""
    workers = [
        context.Process(target=_work, args=(place, *arguments), daemon=True)
        for place in range(jobs)
    ]
    for worker in workers:
        worker.start()
    try:
        yield workers
    finally:
        for worker in workers:
            worker.join(POLL)
            if worker.is_alive():
                worker.terminate()
                worker.join()


def _check_alive(workers: list[BaseProcess]) -> None:
    for worker in workers:
        if worker.exitcode not in (None, 0):
            raise ChildProcessError(
                f"a process that made segments died (status {worker.exitcode}), perhaps for lack "
                "of memory: its finished segments are kept; run again with fewer --jobs"
            )


def _work(
    place: int,
    job: Job,
    model: ModelSpec | FrameInterpolator,
    jobs: int,
    todo: Queue[int | None],
    told: Queue[Any],
) -> None:
    """One process: takes segments until there are none, and tells how it goes."""
    try:
        torch.set_num_threads(max((os.cpu_count() or 1) // jobs, 1))
        maker = resolve_model(_placed(model, place))
        notes: Counter[str] = Counter()
        while (number := todo.get()) is not None:
            notes.update(make_segments(job, maker, range(number, number + 1), told.put))
        told.put(notes)
    except KeyboardInterrupt:
        return
    except BaseException as error:  # told to the parent, which raises it
        told.put(_portable(error))


def _placed(model: ModelSpec | FrameInterpolator, place: int) -> ModelSpec | FrameInterpolator:
    """``model`` on the device for the process number ``place``."""
    count = torch.cuda.device_count()
    if isinstance(model, ModelSpec) and count > 1 and model.device in (None, "auto", "cuda"):
        return replace(model, device=f"cuda:{place % count}")
    return model


def _portable(error: BaseException) -> BaseException:
    """An error that survives the way between processes (libav's do not)."""
    kind = OSError if isinstance(error, OSError) else ValueError
    return (
        kind(str(error)) if isinstance(error, (OSError, ValueError)) else RuntimeError(repr(error))
    )

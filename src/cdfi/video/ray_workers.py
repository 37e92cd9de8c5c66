"""Workers in a Ray cluster: actors that claim segments of planned jobs, as ``cdfi work`` does.

Ray places the actors and starts them again. Which segment an actor makes is decided by the claims
in the work folders, so the death of an actor, a node or the driver loses nothing but the segments
that were being made. Videos never pass through Ray's object store.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cdfi.common.devices import choose_device
from cdfi.common.ray_cluster import WorkerShape, worker_shape
from cdfi.interpolation.precision import automatic_precision
from cdfi.video.jobs.model import ModelSpec
from cdfi.video.jobs.scheduling import POLL
from cdfi.video.work import FolderAccess, Worker
from cdfi.weights import identify, resolve_path

LATE = 15.0  # seconds without a free worker after which a line says so
GROWTH = 10.0  # seconds between looks at the nodes of the cluster


@dataclass(frozen=True)
class Round:
    """What an actor did in one call.

    Attributes:
        frames: written.
        failed: a line for each folder, as a path, whose segments it cannot make.
    """

    frames: int
    failed: dict[str, str] = field(default_factory=dict)


class SegmentActor:
    """What runs in an actor: one worker, which keeps its jobs open and its networks loaded.

    Args:
        cpus: threads of the network.
    """

    def __init__(self, cpus: int) -> None:
        import torch

        torch.set_num_threads(max(cpus, 1))
        self._failed: dict[str, str] = {}
        self._worker = Worker(on_refusal=self._refuse)
        self._known: set[str] = set()

    def precision(self, model: ModelSpec) -> str:
        """Return the precision that a model gets on the device of this actor."""
        if model.precision != "auto" or model.uses_runtime:
            return model.precision
        config = identify(resolve_path(model.name)).config
        return automatic_precision(choose_device(model.device), config)

    def work(self, folders: Sequence[str]) -> Round:
        """Make the free segments of planned jobs, the first folder first."""
        before = self._worker.frames
        for folder in folders:
            if folder not in self._known:
                self._known.add(folder)
                self._worker.add(FolderAccess(Path(folder)))
        while self._worker.look():
            pass
        failed, self._failed = self._failed, {}
        return Round(self._worker.frames - before, failed)

    def _refuse(self, folder: Path, line: str) -> None:
        self._failed[str(folder)] = line


class RayWorkers:
    """The actors of one driver. Folders may come from any thread, steps from one.

    Args:
        ray: the module, connected.
        cpus: of each worker in a cluster without GPUs.
        most: workers; None means as many as fit.
        on_warning: called with lines for the user.
    """

    def __init__(
        self, ray: Any, cpus: int, most: int | None, on_warning: Callable[[str], None]
    ) -> None:
        self._ray, self._cpus, self._most, self._warn = ray, cpus, most, on_warning
        self._lock = threading.Lock()
        self._failures: dict[Path, dict[Any, str]] = {}  # folder -> actor -> why it cannot help
        self._actors: dict[Any, float] = {}  # actor -> from when on it may get work
        self._calls: dict[Any, Any] = {}  # result of a call -> its actor
        self._dead, self._last_death = 0, ""
        self._looked = 0.0
        self._grow()
        if not self._actors:
            raise ValueError("the Ray cluster has no processors for workers")

    def resolved(self, model: ModelSpec) -> ModelSpec:
        """Wait for the first worker; return ``model`` with the precision that it gets there.

        Raises:
            ValueError: the worker cannot be started, or does not find the model.
        """
        calls = [actor.precision.remote(model) for actor in self._actors]
        late = time.monotonic() + LATE
        done: list[Any] = []
        while not done:
            done, _ = self._ray.wait(calls, timeout=POLL)
            if not done and time.monotonic() > late:
                late = float("inf")
                self._warn("the Ray cluster has no free processors or GPUs yet: waiting for some")
        try:
            return replace(model, precision=self._ray.get(done[0]))
        except self._ray.exceptions.RayError as error:
            raise ValueError(f"a worker of the Ray cluster failed: {_last_line(error)}") from error

    def add(self, folder: Path) -> None:
        """Let the workers make the segments of a planned job."""
        with self._lock:
            self._failures.setdefault(folder, {})

    def remove(self, folder: Path) -> None:
        """Stop making the segments of a job."""
        with self._lock:
            self._failures.pop(folder, None)

    def why_failed(self, folder: Path) -> str:
        """Return why no worker can make the segments of a job; "" while one can."""
        with self._lock:
            lines = self._failures.get(folder, {})
            able = [actor for actor in self._actors if actor not in lines]
            reason = next(reversed(lines.values()), self._last_death)
        return "" if able else reason

    def step(self) -> None:
        """Give work to idle actors, and wait a moment for results."""
        if time.monotonic() - self._looked > GROWTH:
            self._grow()
        busy, now = set(self._calls.values()), time.monotonic()
        for actor, free_at in self._actors.items():
            if actor not in busy and free_at <= now and (folders := self._folders_for(actor)):
                self._calls[actor.work.remote([str(folder) for folder in folders])] = actor
        if not self._calls:
            time.sleep(POLL)
            return
        for call in self._ray.wait(list(self._calls), timeout=POLL)[0]:
            self._collect(call, self._calls.pop(call))

    def _folders_for(self, actor: Any) -> list[Path]:
        with self._lock:
            return [folder for folder, lines in self._failures.items() if actor not in lines]

    def _collect(self, call: Any, actor: Any) -> None:
        """Take the result of a call; an actor that cannot be started is not used again."""
        try:
            found: Round = self._ray.get(call)
        except self._ray.exceptions.RayError as error:
            self._last_death = _last_line(error)
            self._warn(f"a worker of the Ray cluster ended: {self._last_death}")
            with self._lock:
                del self._actors[actor]
            self._dead += 1
            return
        if not found.frames:
            self._actors[actor] = time.monotonic() + POLL
        for folder, line in found.failed.items():
            self._warn(f"a worker of the Ray cluster cannot help: {line}")
            with self._lock:
                self._failures.get(Path(folder), {})[actor] = line

    def _grow(self) -> None:
        """Start workers on the nodes that the cluster has now."""
        self._looked = time.monotonic()
        shape = worker_shape(self._ray, self._cpus)
        wanted = min(shape.count, self._most or shape.count) - self._dead
        with self._lock:
            for _ in range(wanted - len(self._actors)):
                self._actors[self._start(shape)] = 0.0

    def _start(self, shape: WorkerShape) -> Any:
        remote = self._ray.remote(SegmentActor)
        endless = {"max_restarts": -1, "max_task_retries": -1}
        return remote.options(**shape.options(), **endless).remote(shape.cpus)


def _last_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[-1].strip()

"""Interpolate videos with the workers of a Ray cluster; this process plans and joins them."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from cdfi.common.ray_cluster import AUTO, RayUse, connected
from cdfi.video.interpolate import VideoReport, interpolate_video
from cdfi.video.jobs.model import ModelSpec
from cdfi.video.jobs.watch import JobWatch
from cdfi.video.options import Options
from cdfi.video.ray_workers import RayWorkers

AT_A_TIME = 16  # videos that are planned, followed or joined at a time


class RayWatch:
    """Callbacks of videos in a cluster, from several threads; every method does nothing."""

    def on_progress(self, source: Path, done: int, total: int | None) -> None:
        """Handle the number of frames of a video that are written, and their total."""

    def on_warning(self, text: str) -> None:
        """Handle a line that the user should read."""

    def on_end(self, source: Path, outcome: VideoReport | Exception) -> None:
        """Handle the end of a video: its report, or the error that stopped it."""


def interpolate_on_ray(
    videos: Mapping[Path, Path],
    cluster: RayUse,
    *,
    model: ModelSpec,
    options: Options,
    overwrite: bool = False,
    most: int | None = None,
    watch: RayWatch | None = None,
) -> dict[Path, VideoReport | Exception]:
    """Interpolate videos by workers in a Ray cluster, several at a time.

    Sources and results must be in folders that all nodes see at the same paths. The same call
    resumes an interrupted one.

    Args:
        videos: source to target.
        cluster: which one, and how much of it each worker gets.
        model: is built by each worker; "auto" means the precision that is best on the workers.
        options: of all videos.
        overwrite: as of ``interpolate_video``.
        most: workers; by default one for each GPU, or as many as fit.
        watch: called about the progress of the videos.

    Returns:
        For each source its report, or the error that stopped it.

    Raises:
        ConnectionError: the cluster cannot be used.
        ValueError: Ray is not installed, or no worker can be started.
    """
    watch = watch or RayWatch()
    with connected(cluster.ray or AUTO) as ray:
        workers = RayWorkers(ray, cluster.ray_cpus, most, watch.on_warning)
        run = _Run(workers, workers.resolved(model), options, overwrite, watch, threading.Event())
        with ThreadPoolExecutor(min(len(videos), AT_A_TIME) or 1) as pool:
            futures = {pool.submit(run.make, *pair): pair[0] for pair in videos.items()}
            try:
                return _follow(futures, workers, watch)
            finally:
                run.stop.set()
                pool.shutdown(wait=False, cancel_futures=True)


def _follow(
    futures: Mapping[Future[VideoReport], Path], workers: RayWorkers, watch: RayWatch
) -> dict[Path, VideoReport | Exception]:
    """Keep the workers busy until all videos have ended; return how they ended."""
    pending, outcomes = set(futures), dict[Path, VideoReport | Exception]()
    while pending:
        workers.step()
        done, pending = wait(pending, 0)
        for future in done:
            error = future.exception()
            if error is not None and not isinstance(error, Exception):
                raise error
            source = futures[future]
            outcomes[source] = error or future.result()
            watch.on_end(source, outcomes[source])
    return outcomes


@dataclass(frozen=True)
class _Run:
    """Settings and workers for all videos of one call."""

    workers: RayWorkers
    model: ModelSpec
    options: Options
    overwrite: bool
    watch: RayWatch
    stop: threading.Event

    def make(self, source: Path, target: Path) -> VideoReport:
        """Plan a video, wait for its segments, and join them."""
        planned = _Planned(self.workers, self.watch)

        def progress(done: int, total: int | None) -> None:
            if self.stop.is_set():
                raise InterruptedError("the run was stopped")
            if planned.folder and (reason := self.workers.why_failed(planned.folder)):
                raise ValueError(f"no worker of the Ray cluster can make {source}: {reason}")
            self.watch.on_progress(source, done, total)

        try:
            return interpolate_video(
                source,
                target,
                model=self.model,
                options=self.options,
                overwrite=self.overwrite,
                workers="external",
                progress=progress,
                watch=planned,
            )
        finally:
            if planned.folder:
                self.workers.remove(planned.folder)


@dataclass
class _Planned(JobWatch):
    """Add a job to the workers when it is planned."""

    workers: RayWorkers
    watch: RayWatch
    folder: Path | None = None

    def on_wait(self, folder: Path) -> None:
        """Add the job."""
        self.folder = folder
        self.workers.add(folder)

    def on_warning(self, text: str) -> None:
        """Pass a warning on."""
        self.watch.on_warning(text)

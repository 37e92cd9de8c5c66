"""Interpolate the videos of ``cdfi interpolate --ray`` in a Ray cluster, and show the progress."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from cdfi.cli.inputs import created
from cdfi.cli.interpolate_task import InterpolationTask, warn
from cdfi.common.progress import Progress
from cdfi.video import ModelSpec, Options, VideoReport
from cdfi.video.ray_jobs import RayWatch, interpolate_on_ray
from cdfi.video.writing.stream_names import is_pipe, is_stream_name


def videos_on_ray(
    task: InterpolationTask, targets: Sequence[Path], options: Options, model: ModelSpec
) -> int:
    """Interpolate the videos of a task in its Ray cluster; return how many failed.

    Raises:
        OSError, ValueError: the cluster cannot be used; or the error of the only video.
    """
    videos = dict(zip(task.inputs, targets))
    if any(is_pipe(source) or is_stream_name(target) for source, target in videos.items()):
        raise ValueError("--ray needs files that all nodes see: leave it out for streams")
    if task.live is not None:
        raise ValueError("--live shows the frames of one process: leave out --ray")
    with ExitStack() as stack:
        for folder in dict.fromkeys(target.absolute().parent for target in targets):
            stack.enter_context(created(folder))
        names = f"{len(task.inputs)} videos" if len(task.inputs) > 1 else task.inputs[0].name
        display = _Display(task, stack.enter_context(task.progress(names)))
        outcomes = interpolate_on_ray(
            videos,
            task.cluster,
            model=model,
            options=options,
            overwrite=task.overwrite,
            most=task.jobs,
            watch=display,
        )
    failed = {source: found for source, found in outcomes.items() if isinstance(found, Exception)}
    return sum(task.count_failure(source, error) for source, error in failed.items())


class _Display(RayWatch):
    """Shows the sum of all videos as progress, and prints each report."""

    def __init__(self, task: InterpolationTask, progress: Progress) -> None:
        self._task, self._progress, self._begun = task, progress, time.monotonic()
        self._counts: dict[Path, tuple[int, int]] = {}

    def on_progress(self, source: Path, done: int, total: int | None) -> None:
        """Show the frames of all videos."""
        self._counts[source] = (done, total or 0)
        counts = list(self._counts.values())
        self._progress(sum(done for done, _ in counts), sum(total for _, total in counts))

    def on_warning(self, text: str) -> None:
        """Print a warning."""
        warn(text)

    def on_end(self, source: Path, outcome: VideoReport | Exception) -> None:
        """Print a report; errors are counted at the end."""
        if isinstance(outcome, Exception):
            return
        for line in outcome.warnings:
            warn(line)
        seconds = round(time.monotonic() - self._begun, 1)
        self._task.print_result({**outcome.as_json(), "seconds": seconds})

"""Videos that ``cdfi interpolate --ray`` makes in a Ray cluster, and what is shown of them."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cdfi.cli.console import progress as progress_bar
from cdfi.cli.inputs import created
from cdfi.cli.interpolate_task import InterpolationTask, warn
from cdfi.cli.progress_lines import ProgressLines
from cdfi.common.progress import Progress
from cdfi.video import ModelSpec, Options, VideoReport
from cdfi.video.pipes import is_pipe, is_stream_name
from cdfi.video.ray_jobs import RayWatch, interpolate_on_ray


def videos_on_ray(
    task: InterpolationTask, targets: Sequence[Path], options: Options, model: ModelSpec
) -> int:
    """Interpolate the videos of a task in its Ray cluster; return how many failed.

    Raises:
        OSError, ValueError: the cluster cannot be used; or the error of the only video.
    """
    videos = dict(zip(task.inputs, targets))
    if any(is_pipe(source) or is_stream_name(target) for source, target in videos.items()):
        raise ValueError("--ray needs files that all nodes see: streams are made without it")
    if task.live is not None:
        raise ValueError("--live shows the frames of one process: leave out --ray")
    with ExitStack() as stack:
        for folder in dict.fromkeys(target.absolute().parent for target in targets):
            stack.enter_context(created(folder))
        display = _Display(task, stack.enter_context(_shown(task)))
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


@contextmanager
def _shown(task: InterpolationTask) -> Iterator[Progress]:
    """Show one progress bar for all videos, or print lines of JSON."""
    if task.progress_form == "json":
        yield ProgressLines(sys.stderr)
        return
    with progress_bar(task.quiet) as bar:
        names = f"{len(task.inputs)} videos" if len(task.inputs) > 1 else task.inputs[0].name
        row = bar.add_task(names, total=None, note="")
        yield lambda done, total: bar.update(row, completed=done, total=total)

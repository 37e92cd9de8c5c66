"""The videos of ``cdfi interpolate``: made, planned, or shown as a preview."""

from __future__ import annotations

import json
import time
from pathlib import Path

from cdfi.cli.console import show, stdout
from cdfi.cli.inputs import created
from cdfi.cli.interpolate_task import InterpolationTask, warn
from cdfi.cli.job_display import JobDisplay
from cdfi.cli.plan_table import plan_table
from cdfi.cli.result_names import result_paths
from cdfi.video.dry_run import estimate
from cdfi.video.interpolate import interpolate_video, plan_video
from cdfi.video.jobs.model import ModelSpec
from cdfi.video.options import Options
from cdfi.video.pipes import interpolate_to_stream, readable_input
from cdfi.video.preview import write_preview
from cdfi.video.writing.stream_names import is_pipe, is_stream_name


def videos(task: InterpolationTask, options: Options, model: ModelSpec) -> None:
    """Interpolate each video; if one fails, the error is printed and the others continue."""
    targets = result_paths(
        task.inputs,
        task.output,
        options,
        several=task.sources.several,
        mark="_preview" * (task.mode == "preview"),
    )
    if task.cluster.ray is not None and task.mode == "make":
        from cdfi.cli.ray_task import videos_on_ray

        failures = videos_on_ray(task, targets, options, model)
    else:
        failures = 0
        for source, target in zip(task.inputs, targets):
            try:
                _video(task, source, target, options, model)
            except (ValueError, OSError) as error:
                failures += task.count_failure(source, error)
    if failures:
        raise ValueError(f"{failures} of {len(task.inputs)} videos failed; see the errors above")


def _video(
    task: InterpolationTask, source: Path, target: Path, options: Options, model: ModelSpec
) -> None:
    """Interpolate one video, write its preview, or print its plan."""
    functions = {"plan": _plan, "preview": _preview, "make": _interpolate}
    with readable_input(source, target) as path:
        functions[task.mode](task, path, target, options, model)


def _plan(
    task: InterpolationTask, source: Path, target: Path, options: Options, model: ModelSpec
) -> None:
    """Print the plan of a video."""
    named = Path("stream.y4m") if is_pipe(target) else target
    plan = estimate(source, named, options=options, model=model)
    if task.as_json:
        stdout.print(json.dumps(plan), markup=False)
    else:
        show(plan_table(plan))


def _preview(
    task: InterpolationTask, source: Path, target: Path, options: Options, model: ModelSpec
) -> None:
    """Write the preview of a video."""
    with created(target.absolute().parent):
        preview = write_preview(
            source, target, options=options, model=model, overwrite=task.overwrite
        )
    task.print_result({"target": str(target), **preview._asdict()})


def _leave_to_workers(
    task: InterpolationTask, source: Path, target: Path, options: Options, model: ModelSpec
) -> None:
    """Plan a video that workers interpolate later, and print its work folder."""
    with created(target.absolute().parent):
        folder = plan_video(source, target, options=options, model=model, overwrite=task.overwrite)
    values = {"source": str(source), "target": str(target), "folder": str(folder)}
    stdout.print(json.dumps(values) if task.as_json else f"planned: {folder}", markup=False)


def _interpolate(
    task: InterpolationTask, source: Path, target: Path, options: Options, model: ModelSpec
) -> None:
    """Interpolate a video into a file or a stream, and print the report."""
    if task.workers == "later":
        _leave_to_workers(task, source, target, options, model)
        return
    display, begin = JobDisplay(task.live), time.monotonic()
    with (
        task.progress(source.name, display) as show_progress,
        created(target.absolute().parent),
    ):
        if is_stream_name(target):
            report = interpolate_to_stream(
                source,
                target,
                model=model,
                options=options,
                overwrite=task.overwrite,
                progress=show_progress,
            )
        else:
            report = interpolate_video(
                source,
                target,
                model=model,
                options=options,
                overwrite=task.overwrite,
                jobs=task.jobs,
                workers=task.workers,
                progress=show_progress,
                watch=display,
            )
    for warning in report.warnings:
        warn(warning)
    task.print_result({**report.as_json(), "seconds": round(time.monotonic() - begin, 1)})

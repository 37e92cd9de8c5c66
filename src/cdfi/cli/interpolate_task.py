"""One call of ``cdfi interpolate``: its files, its progress and its report."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from cdfi.cli.compile_notice import compile_notice
from cdfi.cli.console import progress as progress_bar
from cdfi.cli.console import show, stderr, stdout
from cdfi.cli.inputs import created
from cdfi.cli.job_display import JobDisplay
from cdfi.cli.plan_table import plan_table
from cdfi.cli.progress_lines import ProgressLines
from cdfi.cli.result_names import folder_beside, is_video_name, result_paths
from cdfi.common.image_numbers import images_of, is_sequence
from cdfi.common.progress import Progress
from cdfi.common.ray_cluster import RayUse
from cdfi.video import (
    Encoding,
    ModelSpec,
    Options,
    estimate,
    interpolate_folder,
    interpolate_images,
    interpolate_video,
    is_image,
    write_preview,
)
from cdfi.video.images import check_folder, check_images, image_count
from cdfi.video.interpolate import plan_video
from cdfi.video.jobs.run import Workers
from cdfi.video.pipes import interpolate_to_stream, is_pipe, is_stream_name, readable_input
from cdfi.video.reading.image_sequences import are_stills

Mode = Literal["make", "preview", "plan"]
ProgressForm = Literal["bar", "json"]


@dataclass(frozen=True)
class InterpolationTask:
    """The files of one call, and how it reports."""

    inputs: list[Path]
    several: bool
    output: Path | None
    overwrite: bool
    as_json: bool
    quiet: bool
    jobs: int | None
    mode: Mode
    progress_form: ProgressForm = "bar"
    live: Path | None = None
    workers: Workers | Literal["later"] = "local"
    cluster: RayUse = field(default_factory=RayUse)

    def run(self, options: Options, model: ModelSpec) -> None:
        """Interpolate the inputs; print a notice if kernels are compiled first."""
        with compile_notice(self.quiet):
            self._run(options, model)

    def _run(self, options: Options, model: ModelSpec) -> None:
        """Interpolate the inputs: a folder of images, two images, or videos."""
        only = self.inputs[0] if len(self.inputs) == 1 else None
        if only is not None and (only.is_dir() or is_sequence(only)):
            if self.output is not None and is_video_name(self.output):
                self.videos(options, model)
            else:
                self.folder(options, model)
        elif any(is_image(path) and not are_stills(path) for path in self.inputs):
            self.images(options, model)
        elif any(path.is_dir() or is_sequence(path) for path in self.inputs):
            raise ValueError(
                "a folder or a pattern of images is interpolated alone: give no other input with it"
            )
        else:
            self.videos(options, model)

    def images(self, options: Options, model: ModelSpec) -> None:
        """Interpolate two images to one."""
        if len(self.inputs) != 2 or not all(is_image(path) for path in self.inputs):
            raise ValueError(
                "expected two images, a folder of images, or videos; got "
                + ", ".join(str(path) for path in self.inputs)
            )
        if _factor(options) != 2:
            raise ValueError("two images give one: put them in a folder for a higher --factor")
        self._check_options(options)
        first, second = self.inputs
        suffix = ".png" if first.suffix.lower() == ".dpx" else first.suffix
        target = self.output or first.with_name(f"{first.stem}_{second.stem}{suffix}")
        if self.mode == "plan":
            check_images(first, second, target, overwrite=self.overwrite)
        else:
            interpolate_images(
                first, second, target, model=model, overwrite=self.overwrite, on_warning=warn
            )
        self.print_result({"target": str(target), "frames": 1, "interpolated": 1})

    def folder(self, options: Options, model: ModelSpec) -> None:
        """Interpolate a folder of images to another."""
        source, factor = self.inputs[0], _factor(options)
        self._check_options(options)
        sources = len(images_of(source).paths)
        target = self.output or folder_beside(source, factor)
        if self.mode == "plan":
            images = check_folder(source, target, factor, overwrite=self.overwrite)
            numbers = images.numbers if options.fill_gaps else range(len(images.paths))
            count = image_count(numbers, factor)
        else:
            with self.progress(source.name) as show_progress, created(target.absolute().parent):
                count = interpolate_folder(
                    source,
                    target,
                    model=model,
                    factor=factor,
                    fill_gaps=options.fill_gaps,
                    overwrite=self.overwrite,
                    progress=show_progress,
                    on_warning=warn,
                )
        interpolated = count - sources
        self.print_result({"target": str(target), "frames": count, "interpolated": interpolated})

    def _check_options(self, options: Options) -> None:
        """Raise ValueError for options that do not apply to images."""
        given = {
            "--codec, --quality, --crf, --preset, --pix-fmt, -x": options.encoding != Encoding(),
            "--rate": options.rate is not None,
            "--audio": options.audio is not None,
            "--start, --end, --duration": any((options.start, options.end, options.duration)),
            "--dedup": options.dedup,
            "--hold": bool(options.hold),
            "--loop": options.loop,
            "--motion-blur": options.motion_blur is not None,
            "--deinterlace": options.deinterlace,
            "--jobs": self.jobs is not None,
            "--live": self.live is not None,
            "--ray": self.cluster.ray is not None,
            "--preview": self.mode == "preview",
        }
        if unsuitable := [name for name, is_given in given.items() if is_given]:
            raise ValueError(f"{', '.join(unsuitable)}: for videos, not for images")

    def videos(self, options: Options, model: ModelSpec) -> None:
        """Interpolate each video; if one fails, the error is printed and the others continue."""
        targets = result_paths(
            self.inputs,
            self.output,
            options,
            several=self.several,
            mark="_preview" * (self.mode == "preview"),
        )
        if self.cluster.ray is not None and self.mode == "make":
            from cdfi.cli.ray_task import videos_on_ray

            failures = videos_on_ray(self, targets, options, model)
        else:
            failures = 0
            for source, target in zip(self.inputs, targets):
                try:
                    self._video(source, target, options, model)
                except (ValueError, OSError) as error:
                    failures += self.count_failure(source, error)
        if failures:
            raise ValueError(
                f"{failures} of {len(self.inputs)} videos failed; see the errors above"
            )

    def count_failure(self, source: Path, error: Exception) -> int:
        """Print the error of one of several videos and return 1; raise that of a single one."""
        if len(self.inputs) == 1:
            raise error
        stderr.print(f"cdfi: {error}", style="red", markup=False)
        if self.as_json:
            stdout.print(json.dumps({"source": str(source), "error": str(error)}))
        return 1

    def _video(self, source: Path, target: Path, options: Options, model: ModelSpec) -> None:
        """Interpolate one video, write its preview, or print its plan."""
        functions = {"plan": self._plan, "preview": self._preview, "make": self._interpolate}
        with readable_input(source, target) as path:
            functions[self.mode](path, target, options, model)

    def _plan(self, source: Path, target: Path, options: Options, model: ModelSpec) -> None:
        """Print the plan of a video."""
        named = Path("stream.y4m") if is_pipe(target) else target
        plan = estimate(source, named, options=options, model=model)
        if self.as_json:
            stdout.print(json.dumps(plan), markup=False)
        else:
            show(plan_table(plan))

    def _preview(self, source: Path, target: Path, options: Options, model: ModelSpec) -> None:
        """Write the preview of a video."""
        with created(target.absolute().parent):
            preview = write_preview(
                source, target, options=options, model=model, overwrite=self.overwrite
            )
        self.print_result({"target": str(target), **preview._asdict()})

    def _leave_to_workers(
        self, source: Path, target: Path, options: Options, model: ModelSpec
    ) -> None:
        """Plan a video that workers interpolate later, and print its work folder."""
        with created(target.absolute().parent):
            folder = plan_video(
                source, target, options=options, model=model, overwrite=self.overwrite
            )
        values = {"source": str(source), "target": str(target), "folder": str(folder)}
        stdout.print(json.dumps(values) if self.as_json else f"planned: {folder}", markup=False)

    def _interpolate(self, source: Path, target: Path, options: Options, model: ModelSpec) -> None:
        """Interpolate a video into a file or a stream, and print the report."""
        if self.workers == "later":
            self._leave_to_workers(source, target, options, model)
            return
        display, begin = JobDisplay(self.live), time.monotonic()
        with (
            self.progress(source.name, display) as show_progress,
            created(target.absolute().parent),
        ):
            if is_stream_name(target):
                report = interpolate_to_stream(
                    source,
                    target,
                    model=model,
                    options=options,
                    overwrite=self.overwrite,
                    progress=show_progress,
                )
            else:
                report = interpolate_video(
                    source,
                    target,
                    model=model,
                    options=options,
                    overwrite=self.overwrite,
                    jobs=self.jobs if self.live is None else 1,
                    workers=self.workers,
                    progress=show_progress,
                    watch=display,
                )
        for warning in report.warnings:
            warn(warning)
        self.print_result({**report.as_json(), "seconds": round(time.monotonic() - begin, 1)})

    def print_result(self, values: dict[str, Any]) -> None:
        """Print a result as a JSON line, or as a few lines."""
        out = stderr if str(values["target"]) == "-" else stdout
        if self.as_json:
            out.print(json.dumps(values), markup=False)
            return
        counts = values.get("counts")
        details = [f"{values['frames']} frames, {values['interpolated']} of them interpolated"]
        if isinstance(counts, dict):
            details += [f"{count} {what}" for what, count in counts.items()]
        out.print(f"{values['target']}: {'; '.join(details)}", markup=False)
        if seconds := values.get("seconds"):
            out.print(_effort(Path(str(values["target"])), values["frames"], seconds))

    @contextmanager
    def progress(self, name: str, display: JobDisplay | None = None) -> Iterator[Progress]:
        """Show a progress bar with the rate and the time left, or print lines of JSON."""
        if self.progress_form == "json":
            yield ProgressLines(sys.stderr)
            return
        with progress_bar(self.quiet) as bar:
            row = bar.add_task(name, total=None, note="")

            def show_progress(done: int, total: int | None) -> None:
                speed = bar.tasks[row].speed
                parts = [f"{speed:.1f} frames/s" if speed else "", display.note if display else ""]
                note = ", ".join(filter(None, parts))
                bar.update(row, completed=done, total=total, note=note)

            yield show_progress


def _effort(target: Path, frames: int, seconds: float) -> str:
    """Return a line with the size of a result, and how long it took."""
    size = f"{target.stat().st_size / 1e6:.1f} MB, " if target.is_file() else ""
    return f"{size}{seconds:.1f} s, {frames / seconds:.1f} frames/s"


def _factor(options: Options) -> int:
    """Return the factor for images, which have no times."""
    if options.fps is not None or options.slow != 1:
        raise ValueError("images have no times: --fps and --slow need a video")
    return options.factor or 2


def warn(line: str) -> None:
    """Print a warning."""
    stderr.print(f"cdfi: {line}", style="yellow", markup=False)

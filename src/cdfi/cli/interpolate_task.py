"""One call of ``cdfi interpolate``: its files, its progress and its report."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cdfi.cli.compile_notice import compile_notice
from cdfi.cli.console import progress as progress_bar
from cdfi.cli.console import stderr, stdout
from cdfi.cli.inputs import Inputs
from cdfi.cli.progress_lines import ProgressLines
from cdfi.common.image_numbers import is_sequence
from cdfi.common.progress import Progress
from cdfi.common.quick_imports import quick_imports
from cdfi.common.ray_cluster import RayUse
from cdfi.video.jobs.model import ModelSpec
from cdfi.video.options import Options
from cdfi.video.reading.image_sequences import are_stills
from cdfi.video.writing.image_files import is_image

if TYPE_CHECKING:
    from cdfi.cli.job_display import JobDisplay
    from cdfi.video.jobs.run import Workers

Mode = Literal["make", "preview", "plan"]
ProgressForm = Literal["bar", "json"]


@dataclass(frozen=True)
class InterpolationTask:
    """The files of one call, and how it reports."""

    sources: Inputs
    _: KW_ONLY
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

    @property
    def inputs(self) -> list[Path]:
        """What is interpolated."""
        return self.sources.paths

    def run(self, options: Options, model: ModelSpec) -> None:
        """Interpolate the inputs; print a notice if kernels are compiled first."""
        with compile_notice(self.quiet):
            self._run(options, model)

    def _run(self, options: Options, model: ModelSpec) -> None:
        """Interpolate the inputs: a folder of images, two images, or videos."""
        from cdfi.cli import image_task

        only = self.inputs[0] if len(self.inputs) == 1 else None
        if only is not None and (only.is_dir() or is_sequence(only)):
            from cdfi.cli.result_names import is_video_name

            if self.output is not None and is_video_name(self.output):
                self._videos(options, model)
            else:
                image_task.image_folder(self, options, model)
        elif any(is_image(path) and not are_stills(path) for path in self.inputs):
            image_task.two_images(self, options, model)
        elif any(path.is_dir() or is_sequence(path) for path in self.inputs):
            raise ValueError(
                "a folder or a pattern of images is interpolated alone: give no other input with it"
            )
        else:
            self._videos(options, model)

    def _videos(self, options: Options, model: ModelSpec) -> None:
        """Interpolate videos, for which more modules are needed than for images."""
        with quick_imports():
            from cdfi.cli.video_task import videos
        videos(self, options, model)

    def count_failure(self, source: Path, error: Exception) -> int:
        """Print the error of one of several videos and return 1; raise that of a single one."""
        if len(self.inputs) == 1:
            raise error
        stderr.print(f"cdfi: {error}", style="red", markup=False)
        if self.as_json:
            stdout.print(json.dumps({"source": str(source), "error": str(error)}))
        return 1

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


def warn(line: str) -> None:
    """Print a warning."""
    stderr.print(f"cdfi: {line}", style="yellow", markup=False)

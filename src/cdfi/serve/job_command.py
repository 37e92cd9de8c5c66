"""Make a job from a request, and the command from a job."""

from __future__ import annotations

import os
import secrets
import shlex
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

from cdfi.serve.answers import ApiError
from cdfi.serve.chosen_source import ChosenSource
from cdfi.serve.job_options import CONTAINERS, arguments, read_options, video_options
from cdfi.serve.media_names import plain_name, suffix_of
from cdfi.serve.serve_config import ServeConfig
from cdfi.serve.stored_job import LIVE, StoredJob

FRAMES = "frames"  # the folder of a job that holds uploaded images


def new_job(
    source: ChosenSource, options: dict[str, Any], config: ServeConfig, *, in_place: bool
) -> tuple[StoredJob, Callable[[Path], None]]:
    """Return a job, and the function that prepares its folder.

    Args:
        source: what is interpolated.
        options: as JSON values.
        config: of the server.
        in_place: write the result beside the source.

    Raises:
        ApiError: an option is not accepted, or the result cannot be written beside the source.
    """
    try:
        values = read_options(options, images=source.kind != "video")
    except ValueError as error:
        raise ApiError(400, str(error)) from None
    job_id = secrets.token_hex(8)
    folder = config.jobs / job_id
    download = _download_name(source, values)
    target = folder / f"result{suffix_of(download)}"
    if in_place:
        target = _beside(source, download)
    job = StoredJob(
        id=job_id,
        name=source.name,
        kind=source.kind,
        inputs=[str(path) for path in _inputs(source, folder)],
        names=[source.name] if source.kind == "folder" else [*source.names],
        target=str(target),
        download=download,
        options=dict(values),
        created=time.time(),
        order=0.0,
        in_place=in_place,
    )
    return job, lambda created: _prepare(source, created)


def command_of(job: StoredJob, config: ServeConfig) -> list[str]:
    """Return the command that runs a job."""
    values = {name: value for name, value in job.options.items() if name != "container"}
    fresh = ["--overwrite"] if job.fresh and not is_in_the_way(job) else []
    if job.kind == "video":
        fresh.append(f"--live={config.jobs / job.id / LIVE}")
    last = ["--json", "--progress=json", f"--output={job.target}", "--", *job.inputs]
    return [*config.interpolate, *arguments(values), *fresh, *last]


def is_in_the_way(job: StoredJob) -> bool:
    """Return whether a file exists at the path of a result in its source's folder."""
    return job.in_place and os.path.lexists(job.target)


def shown_command(job: StoredJob) -> str:
    """Return the command of a job with the user's names of files, to be shown."""
    values = {name: value for name, value in job.options.items() if name != "container"}
    words = ["cdfi", "interpolate", *job.names, "-o", job.download, *arguments(values)]
    return shlex.join(words)


def _download_name(source: ChosenSource, values: dict[str, Any]) -> str:
    """Return the name of the result when it is downloaded."""
    first = source.names[0]
    stem = PurePosixPath(first).stem or "result"
    if source.kind == "folder":
        title = source.names[0] if source.folder else stem
        return plain_name(f"{title}_{video_options(values).label}")
    if source.kind == "images":
        return plain_name(f"{stem}_{PurePosixPath(source.names[1]).stem}{suffix_of(first)}")
    container = values.get("container") or suffix_of(first)
    suffix = container if container in (*CONTAINERS, ".m4v", ".ts", ".nut") else ".mkv"
    return plain_name(f"{stem}_{video_options(values).label}{suffix}")


def _inputs(source: ChosenSource, folder: Path) -> list[Path]:
    """Return the paths that the command reads."""
    if not source.uploaded:
        return list(source.paths)
    if source.kind == "folder":
        return [folder / FRAMES]
    return [folder / f"source{number}{path.suffix}" for number, path in enumerate(source.paths)]


def _prepare(source: ChosenSource, folder: Path) -> None:
    """Put uploaded files into the folder of a job: links, so that the uploads may be removed."""
    if not source.uploaded:
        return
    targets = _inputs(source, folder)
    if source.kind == "folder":
        targets[0].mkdir()
        numbered = enumerate(source.paths)
        targets = [targets[0] / f"{number:06d}{path.suffix}" for number, path in numbered]
    for path, target in zip(source.paths, targets):
        _link(path, target)


def _link(path: Path, target: Path) -> None:
    """Give a file a second name; a symbolic link where the file system has no hard links."""
    with suppress(OSError):
        os.link(path, target)
        return
    target.symlink_to(path)


def _beside(source: ChosenSource, name: str) -> Path:
    """Return the path of a result in the folder of its source.

    Raises:
        ApiError: the source is an upload, or something of that name is there.
    """
    if source.folder is None:
        raise ApiError(400, "in_place: only for sources below the root folder")
    target = source.folder / name
    if os.path.lexists(target):
        raise ApiError(409, f"{name} exists beside the source: rename it or remove it")
    return target

"""The file ``job.json`` of a work folder: what another process needs to work on the job.

It holds, as JSON with a digest: ``version`` of this format, ``source`` as an absolute path and
relative to the work folder, ``target`` (a name beside the work folder), ``options`` and ``model``,
and the numbers of ``segments`` and ``frames``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from cdfi.common.files import write_text
from cdfi.video.jobs.folder_names import JOB, MARKER
from cdfi.video.jobs.job import Job
from cdfi.video.jobs.model import ModelSpec, fingerprint
from cdfi.video.jobs.plan import expected_frames, plan_job, readable_source
from cdfi.video.jobs.sealed import is_plain, read_sealed, sealed_json
from cdfi.video.options import Options, options_from_json

VERSION = 1
#: Part of the identity that differs between the planned job and this machine -> the message.
REMEDIES = {
    "source": "the video has changed since it was planned: plan it again with --overwrite",
    "model": "the model or its precision differs here: use the same file, and give "
    "cdfi interpolate --precision fp32 if the devices differ",
    "options": "this version of cdfi reads the options differently: use the same version",
    "encoder": "the encoder or its settings differ here: use the same version of cdfi",
    "held": "a mask of --hold has changed since the video was planned",
    "libav": "the version of libav differs here: install the same version of the package av",
    "version": "the format of the folder differs: use the same version of cdfi",
}


@dataclass(frozen=True)
class JobDescription:
    """The content of ``job.json``."""

    source: Path
    target: Path
    options: Options
    model: ModelSpec
    segments: int
    frames: int


def write_description(job: Job, source: Path, options: Options, model: ModelSpec) -> None:
    """Write the description of a planned job into its work folder.

    Args:
        job: as planned.
        source: what the user gave, such as a folder of images.
        options: what the user gave.
        model: that makes the frames.
    """
    path = Path(model.name)
    named = replace(model, name=str(path.absolute() if path.is_file() else model.name))
    content = sealed_json(
        {
            "version": VERSION,
            "source": str(source.absolute()),
            "relative": os.path.relpath(source.absolute(), job.work.path.absolute()),
            "target": job.work.target.name,
            "options": options.as_json(),
            "model": asdict(named),
            "segments": len(job.boundaries),
            "frames": expected_frames(job),
        },
        indent=1,
    )
    write_text(job.work.path / JOB, content, fsync=True, follow_links=False)


def read_description(folder: Path) -> JobDescription:
    """Return the description in a work folder.

    Raises:
        OSError: the folder or the source is not there, or may not be used, on this machine.
        ValueError: the folder holds no description, or one of another version.
    """
    check_access(folder)
    values = read_sealed(folder / JOB) if is_plain(folder / MARKER) else None
    if not isinstance(values, dict):
        raise ValueError(
            f"{folder} is not the work folder of a planned job: expected one named "
            ".NAME.cdfi-work that cdfi interpolate has made"
        )
    if values.get("version") != VERSION:
        raise ValueError(
            f"{folder} was planned by another version of cdfi (format {values.get('version')}, "
            f"expected {VERSION}): use that version, or plan the job again"
        )
    return _description(folder, values)


def check_access(folder: Path) -> None:
    """Raise OSError if a work folder is not there, or may not be read or written."""
    effective = os.access in os.supports_effective_ids
    try:
        is_there = folder.is_dir()
        is_ours = os.access(folder, os.R_OK | os.W_OK | os.X_OK, effective_ids=effective)
    except PermissionError:  # a folder above it may not be entered
        is_there, is_ours = True, False
    if not is_there:
        raise FileNotFoundError(f"{folder} does not exist: expected a work folder")
    if not is_ours:
        raise PermissionError(
            f"{folder} may not be read or written by this user: run cdfi as the user that planned "
            "the job, who needs the same number on all machines"
        )


@contextmanager
def opened_job(
    folder: Path, device: str | None = None, worker: str = ""
) -> Iterator[tuple[Job, ModelSpec]]:
    """Plan the job of a work folder on this machine; check that it would make equal frames.

    Args:
        folder: of the job.
        device: that the network runs on; None means the one of the description.
        worker: name of this worker.

    Raises:
        OSError: the source or the model cannot be read.
        ValueError: as :func:`read_description`, or this machine would make other frames.
    """
    found = read_description(folder)
    model = found.model if device is None else replace(found.model, device=device)
    with readable_source(found.source, found.target, found.options) as video:
        try:
            job = plan_job(video.path, found.target, found.options, model)
        except ValueError as error:  # such as an encoder that is missing here
            raise ValueError(f"{folder} cannot be worked on here: {error}") from error
        job = replace(job, work=replace(job.work, worker=worker))
        if differences := job.work.differences(job.identity(fingerprint(model))):
            reasons = "; ".join(REMEDIES.get(name, f"{name} differs") for name in differences)
            raise ValueError(
                f"{folder}: this machine would make other frames than the planned job: {reasons}"
            )
        yield job, model


def _description(folder: Path, values: dict[str, Any]) -> JobDescription:
    try:
        candidates = [Path(values["source"]), folder / values["relative"]]
        source = next((path for path in candidates if path.exists()), None)
        if source is None and "%" not in candidates[0].name:
            raise FileNotFoundError(
                f"{candidates[0]} does not exist on this machine: mount it at the same path, or "
                "keep the source and the result in one shared folder"
            )
        return JobDescription(
            source=source or candidates[0],
            target=folder.absolute().parent / values["target"],
            options=options_from_json(values["options"]),
            model=ModelSpec(**values["model"]),
            segments=int(values["segments"]),
            frames=int(values["frames"]),
        )
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{folder / JOB} is damaged: plan the job again") from error

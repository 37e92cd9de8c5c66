"""The plan of a job before it is started: frames, time, memory, disk, losses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cdfi.common.sizes import byte_count
from cdfi.serve.job_options import Value, video_options
from cdfi.video.dry_run import estimate
from cdfi.video.image_folders import check_folder, image_count
from cdfi.video.images import check_images
from cdfi.video.jobs.model import ModelSpec

KEPT = """
    size pixel_format encoder source_frames frames rate duration losses memory free_disk disk_needed
    seconds_per_interpolated_frame estimated_seconds estimated_seconds_range
"""


def plan(kind: str, inputs: list[str], target: str, options: dict[str, Value]) -> dict[str, Any]:
    """Return the plan of a job as JSON values.

    Args:
        kind: video, images or folder.
        inputs: paths of the sources.
        target: path of the result.
        options: as :func:`cdfi.serve.job_options.read_options` returns them.

    Raises:
        OSError, ValueError: as the job itself would.
    """
    paths = [Path(path) for path in inputs]
    if kind == "images":
        check_images(paths[0], paths[1], Path(target))
        return {"frames": 1, "source_frames": 2, "losses": []}
    if kind == "folder":
        factor = int(options.get("factor", 2))
        count = len(check_folder(paths[0], Path(target), factor, overwrite=False).paths)
        return {
            "frames": image_count(range(count), factor),
            "source_frames": count,
            "losses": [],
        }
    found = estimate(paths[0], target, options=video_options(options), model=_model(options))
    return {name: found[name] for name in KEPT.split() if name in found}


def _model(options: dict[str, Value]) -> ModelSpec:
    memory = options.get("memory")
    return ModelSpec(
        str(options.get("model", "default")),
        None if options.get("device", "auto") == "auto" else str(options["device"]),
        options.get("precision", "auto"),  # type: ignore[arg-type]
        None if memory is None else byte_count(str(memory)),
        keep=memory is None,
    )

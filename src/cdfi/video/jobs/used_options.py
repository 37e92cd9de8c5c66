"""The options of a job, for its report and for the tags of its result."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version

from cdfi.video.jobs.job import Job
from cdfi.video.options import Encoding, Options

#: Tags that every container keeps; the first one that the source does not have is used.
TAGS = ("comment", "description", "synopsis")


def used_options(job: Job) -> dict[str, object]:
    """Return the options that are not at their defaults, and the encoder with all of its own."""
    chosen, usual = job.options.as_json(), Options(encoding=Encoding()).as_json()
    values = {name: value for name, value in chosen.items() if value != usual.get(name)}
    values.pop("encoding", None)
    encoding, plain = chosen["encoding"], usual["encoding"]
    assert isinstance(encoding, dict)
    assert isinstance(plain, dict)
    values |= {name: value for name, value in encoding.items() if value != plain[name]}
    encoder = {"encoder": job.encoding.row.encoder, "encoder_options": dict(job.encoding.options)}
    return values | encoder


def options_tag(job: Job, tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tag that records the options, if it is asked for and one is free in ``tags``."""
    taken = {key.lower() for key in tags}
    free = next((key for key in TAGS if key not in taken), None)
    if free is None or not job.options.encoding.record_options:
        return {}
    values = used_options(job)
    for name in ("record_options", "encoder_options"):
        values.pop(name)
    words = [f"{name}={value}" for name, value in values.items()]
    return {free: f"cdfi {version('cdfi')}: {' '.join(words)}"}

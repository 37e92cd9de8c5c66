"""The names of a work folder and of the files in it."""

from __future__ import annotations

import os
import re

from cdfi.video.jobs.sealed import text_digest

LONGEST = 140  # bytes of the folder's name; some encrypted file systems stop at 143
MARKER, LOCK, OWNER = "cdfi-work", "lock", "owner"
MANIFEST, JOB, COMPLETE = "manifest.json", "job.json", "complete"
#: The names of our files; with LOCK, OWNER and MARKER the only ones that are ever removed.
OURS = re.compile(
    r"\d{6,}(\.[\w-]+){0,2}\.(mkv|part|png|exr|json|claim|old)|clock\.[\w-]+|(manifest|job)\.json|"
    r"complete|result\.part|image\d+|\..+\.[0-9a-f]{16}\.part.*"
)


def folder_name(target: str) -> str:
    """Return the name of the work folder of a result; that of a very long name is shortened."""
    name = f".{target}.cdfi-work"
    if len(os.fsencode(name)) > LONGEST:
        start = os.fsencode(target)[:60].decode(errors="ignore")
        name = f".{start}.{text_digest(target)[:16]}.cdfi-work"
    return name

"""Write a .pt2 file, which ``torch.export.load`` reads without cdfi."""

from pathlib import Path

import torch

from cdfi.common.files import atomic_write
from cdfi.export.header import KEY
from cdfi.export.program import Program


def write_pt2(program: Program, path: Path) -> None:
    """Write ``program`` atomically; the header is the file ``cdfi.json`` inside.

    Raises:
        OSError: the file cannot be written.
    """
    with atomic_write(path) as part:
        extra = {f"{KEY}.json": program.header.to_json()}
        torch.export.save(program.graph, part, extra_files=extra)

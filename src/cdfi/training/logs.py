"""The log of a run: CSV tables, and TensorBoard if it is installed."""

import csv
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from cdfi.common.files import atomic_write


class Log:
    """Writes rows of numbers and sample images into a run's folder.

    ``train.csv`` and ``validation.csv`` have one row for each report. Rows after the step that a
    run resumes from are removed first: they will be written again.

    Args:
        folder: of the run; created if it does not exist.
        step: the step that the run starts from.
    """

    def __init__(self, folder: Path, step: int = 0) -> None:
        self._folder = folder
        (folder / "samples").mkdir(parents=True, exist_ok=True)
        for table in ("train", "validation"):
            _drop_after(folder / f"{table}.csv", step)
        self._board: Any = _board(folder, step)

    def close(self) -> None:
        """Flush and close TensorBoard's file."""
        if self._board is not None:
            self._board.close()

    def row(self, table: str, step: int, values: Mapping[str, float]) -> None:
        """Add one row to ``train`` or ``validation``; a new name adds a column."""
        path = self._folder / f"{table}.csv"
        header, rows = _read(path)
        if not set(values) <= set(header):
            header = ["step", *dict.fromkeys([*header[1:], *values])]
            _write(path, header, rows)
        with path.open("a", encoding="utf-8", newline="") as out:
            csv.DictWriter(out, header).writerow(
                {"step": step, **{name: f"{value:.6g}" for name, value in values.items()}}
            )
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(f"{table}/{name}", value, step)

    def image(self, step: int, picture: np.ndarray) -> None:
        """Write a sample image, uint8 (H, W, 3)."""
        with atomic_write(self._folder / "samples" / f"{step:08d}.png") as beside:
            Image.fromarray(picture).save(beside)
        if self._board is not None:
            self._board.add_image("samples", picture, step, dataformats="HWC")


def _board(folder: Path, step: int) -> Any:
    if find_spec("tensorboard") is None:
        return None
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder / "tensorboard"), purge_step=step or None)


def _read(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    if not path.is_file():
        return [], []
    with path.open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        rows = list(reader)
    return list(reader.fieldnames or []), rows


def _write(path: Path, header: list[str], rows: list[dict[str, str]]) -> None:
    with atomic_write(path) as beside, beside.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, header, restval="")
        writer.writeheader()
        writer.writerows(rows)


def _drop_after(path: Path, step: int) -> None:
    """Remove the rows after ``step``.

    Raises:
        ValueError: the file is not a table of a run.
    """
    header, rows = _read(path)
    try:
        kept = [row for row in rows if int(row["step"]) <= step]
    except (KeyError, ValueError, TypeError) as error:
        raise ValueError(
            f"{path} is not the table of a run: move it away to continue the run"
        ) from error
    if header:
        _write(path, header, kept)

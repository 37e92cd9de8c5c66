"""Find the user's code that has called into this package or torch."""

import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import torch

_OURS = str(Path(__file__).parent.parent)
_TORCH = str(Path(torch.__file__).parent)


def line_of_call() -> str:
    """Return "file:line" of the code of a model whose operation is traced now.

    It is the innermost line outside torch; for modules of torch alone, their innermost line.
    """
    inside = list(_until_traced(sys._getframe(1)))
    outside = [frame for frame in inside if not _in(frame, _TORCH)]
    frame = next(iter(outside or inside), None)
    if frame is None:
        return "unknown line"
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"


def line_of_error(error: BaseException) -> str:
    """Return "file:line" of the innermost line outside torch that an error has passed."""
    found = ""
    step = error.__traceback__
    while step is not None:
        if not _in(step.tb_frame, _TORCH, _OURS):
            found = f"{Path(step.tb_frame.f_code.co_filename).name}:{step.tb_lineno}"
        step = step.tb_next
    return found


def warn_user(message: str) -> None:
    """Issue a UserWarning at the line outside this package that has called it."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _in(frame, _OURS):
        frame = frame.f_back
    if frame is None:
        warnings.warn(message, stacklevel=2)
        return
    registry = frame.f_globals.setdefault("__warningregistry__", {})
    warnings.warn_explicit(
        message, UserWarning, frame.f_code.co_filename, frame.f_lineno, registry=registry
    )


def _until_traced(frame: FrameType | None) -> Iterator[FrameType]:
    """Yield the frames of a model, the innermost first, without those of this package."""
    started = False
    while frame is not None:
        ours = _in(frame, _OURS)
        if ours and started:  # the function that has called the model
            return
        if not ours:
            started = True
            yield frame
        frame = frame.f_back


def _in(frame: FrameType, *folders: str) -> bool:
    return frame.f_code.co_filename.startswith(folders)

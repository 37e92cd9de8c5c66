"""Read files that ``torch.save`` wrote, without running code that they hold."""

from pathlib import Path
from pickle import UnpicklingError

import torch

MOST_SHOWN = 120  # characters of a cause
#: In the message of PyTorch's unpickler, if the file is a pickle that would call code.
_CALLS_CODE = ("Unsupported global", "Unsupported class", "Unsupported operand 149", "unsafe")


def load_tensors(path: Path, kind: str, *, mmap: bool = False) -> object:
    """Return the tensors and plain values of a file, on the CPU.

    Args:
        path: of the file.
        kind: of file that is expected, for the error message: "a checkpoint".
        mmap: map the tensors instead of reading all of them.

    Raises:
        ValueError: the file is damaged, of another kind, or holds code; the message names it.
        OSError: it cannot be read.
    """
    path.open("rb").close()  # an error of the system, before the errors of damaged bytes
    try:
        content: object = torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)
    except UnpicklingError as error:
        if any(text in str(error) for text in _CALLS_CODE):
            raise ValueError(
                f"{path} was refused: it holds more than plain tensors, which could run code; "
                "save its state_dict alone"
            ) from error
        raise damaged(path, kind, error) from error
    except Exception as error:  # PyTorch raises nearly any type for damaged bytes
        raise damaged(path, kind, error) from error
    return content


def damaged(path: Path, kind: str, error: Exception) -> ValueError:
    """Return the error for a file that cannot be read, with the first sentence of the cause."""
    cause = str(error).partition("\n")[0].partition(". ")[0] or "unexpected end"
    name = "" if isinstance(error, (ValueError, RuntimeError)) else f"{type(error).__name__}: "
    return ValueError(f"{path} is damaged, or not {kind} ({name}{cause[:MOST_SHOWN]})")

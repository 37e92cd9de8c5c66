"""Files of networks that another runtime than PyTorch opens, by their names."""

from pathlib import Path

#: Name of a backend -> the suffix of the files that it opens.
SUFFIXES = {"onnxruntime": ".onnx", "openvino": ".xml"}


def is_exported(model: object) -> bool:
    """Return whether ``model`` is the name of a file that a runtime opens."""
    return backend_of(model) is not None


def backend_of(model: object) -> str | None:
    """Return the backend that opens an exported file; None if ``model`` is something else."""
    suffix = Path(model).suffix.lower() if isinstance(model, (str, Path)) else ""
    return next((name for name, own in SUFFIXES.items() if own == suffix), None)

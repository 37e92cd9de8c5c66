"""Check that a plot can be written, before anything is computed for it."""

from pathlib import Path

from cdfi.common.extras import need


def check_plot_file(path: Path) -> None:
    """Raise ValueError if matplotlib is not installed or cannot write files of this suffix."""
    need("matplotlib", "a plot", "cdfi[plot]")
    from matplotlib.backend_bases import FigureCanvasBase

    supported = FigureCanvasBase.get_supported_filetypes()
    if path.suffix.lower().removeprefix(".") not in supported:
        endings = ", ".join(f".{name}" for name in sorted(supported))
        raise ValueError(f"{path}: unknown image format; expected one of {endings}")

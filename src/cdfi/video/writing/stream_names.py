"""Names that stand for streams: standard input and output, pipes and YUV4MPEG2 files."""

from pathlib import Path


def is_pipe(path: Path) -> bool:
    """Return whether ``path`` is "-" or a pipe."""
    return str(path) == "-" or path.is_fifo()


def is_stream_name(target: Path) -> bool:
    """Return whether a result is written as a YUV4MPEG2 stream."""
    return is_pipe(target) or target.suffix.lower() == ".y4m"

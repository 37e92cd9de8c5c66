"""Names of the results of ``cdfi interpolate`` that the user has not named."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cdfi.video.options import Options
from cdfi.video.writing.codecs import CONTAINERS, is_pattern
from cdfi.video.writing.stream_names import is_pipe


def result_paths(
    inputs: Sequence[Path],
    output: Path | None,
    options: Options,
    *,
    several: bool,
    mark: str = "",
) -> list[Path]:
    """Return the path of the result for each video.

    Args:
        inputs: the videos.
        output: what the user gave: a file, a folder, or nothing.
        options: of the call.
        several: whether the results go into a folder, even if there is a single one.
        mark: is added to the names of results in the folders of their sources.

    Raises:
        OSError: ``output`` is a file, and there are several videos.
        ValueError: two results have the same name, or that of a stream's result is missing.
    """
    if len(inputs) == 1 and not several:
        return [_only_result(inputs[0], output, options, mark)]
    if output is not None and not output.is_dir() and (output.exists() or output.suffix):
        raise NotADirectoryError(
            f"{output}: several videos need an output folder, not a file's name"
        )
    label = f"_{options.label}{mark}"
    names = [_name(path) if output else _name(path, label) for path in inputs]
    targets = [(output or path.parent) / name for path, name in zip(inputs, names)]
    if len(set(targets)) < len(targets):
        raise ValueError("two of the videos have the same name: their results would collide")
    return targets


def _only_result(source: Path, output: Path | None, options: Options, mark: str) -> Path:
    """Return the path of the result of one video."""
    if output is None:
        if is_pipe(source):
            raise ValueError(f"{source} is a stream: give the result's name with -o, or -o -")
        return source.with_name(_name(source, f"_{options.label}{mark}"))
    if is_pipe(output):
        return output
    return output / _name(source) if output.is_dir() or not output.suffix else output


def is_video_name(path: Path) -> bool:
    """Return whether a name is that of a video or of numbered images, not of a folder."""
    known = path.suffix.lower() in CONTAINERS or is_pattern(path) or is_pipe(path)
    return not path.is_dir() and known


def folder_beside(source: Path, factor: int) -> Path:
    """Return a name for the images made from a folder or a pattern."""
    name = source.name if source.is_dir() else source.stem.split("%")[0].split("#")[0].strip("._-")
    return source.with_name(f"{name or 'images'}_{factor}x")


def _name(source: Path, mark: str = "") -> str:
    """Return the source's name with a mark; .mkv if its container cannot be written."""
    suffix = source.suffix if source.suffix.lower() in CONTAINERS else ".mkv"
    suffix = ".apng" if source.suffix.lower() == ".png" else suffix  # an animation
    return f"{source.stem}{mark}{suffix}"

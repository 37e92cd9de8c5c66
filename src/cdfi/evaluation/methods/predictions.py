"""Files in a folder of predicted images."""

from pathlib import Path

from cdfi.evaluation.data.rgb_images import SUFFIXES


def prediction_file(root: Path, name: str) -> Path:
    """Return the file of a folder of predictions for the triplet ``name``.

    ``<name>.png`` (or another image format), or the only image in the folder ``<name>``.

    Raises:
        ValueError: there is none, or the folder holds several.
    """
    for suffix in SUFFIXES:
        for file in (root / f"{name}{suffix}", root / f"{name}{suffix.upper()}"):
            if file.is_file():
                return file
    folder = root / name
    inside = [file for file in sorted(folder.glob("*")) if file.suffix.lower() in SUFFIXES]
    if len(inside) == 1:
        return inside[0]
    problem = f"{len(inside)} images in it, expected one" if inside else "no prediction"
    raise ValueError(f"{folder}: {problem} (looked for {name}.png beside it as well)")

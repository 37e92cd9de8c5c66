"""Triplets of images, and the layouts of folders that hold them."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cdfi.common.paths import natural
from cdfi.evaluation.data.rgb_images import RgbImage, read_rgb_image, size_text

View = Callable[[RgbImage], RgbImage]
#: The file names of a triplet in the order of time.
Names = tuple[str, str, str]

VIMEO_NAMES: Names = ("im1.png", "im2.png", "im3.png")


@dataclass(frozen=True)
class TripletFrames:
    """The decoded images of a triplet, all of one size; ``truth`` is to be predicted."""

    name: str
    frame0: RgbImage
    truth: RgbImage
    frame1: RgbImage


@dataclass(frozen=True)
class Unreadable:
    """A triplet whose images cannot be read, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Triplet:
    """The files of three images.

    Attributes:
        name: unique within its data set; parts separated by ``/``.
        files: ``frame0``, the true middle and ``frame1``: files of 8-bit RGB.
        view: makes the part of each image that is scored, such as a crop; None: all of it.
    """

    name: str
    files: tuple[Path, Path, Path]
    view: View | None = None

    def read(self) -> TripletFrames:
        """Return the images.

        Raises:
            ValueError: a file is missing or not 8-bit RGB, or the sizes differ.
        """
        images = [read_rgb_image(file) for file in self.files]
        for file, image in zip(self.files, images):
            if image.shape != images[0].shape:
                raise ValueError(
                    f"{file}: {size_text(image)} pixels, but {self.files[0].name} has "
                    f"{size_text(images[0])}"
                )
        if self.view is not None:
            images = [self.view(image) for image in images]
        return TripletFrames(self.name, *images)


Layout = Callable[[Path], Iterator[Triplet]]


def named_folders(folders: Sequence[str], names: Names) -> Layout:
    """Return the layout of known folders, one per triplet, each with three ``names``."""

    def find(root: Path) -> Iterator[Triplet]:
        for folder in folders:
            yield Triplet(folder, _inside(root / folder, names))

    return find


def any_folders(names: Names) -> Layout:
    """Return the layout of all folders below the root that hold one of three ``names``."""

    def find(root: Path) -> Iterator[Triplet]:
        found = {file.parent for name in names for file in root.rglob(name)}
        for folder in sorted(found, key=natural):
            name = folder.relative_to(root).as_posix() if folder != root else root.resolve().name
            yield Triplet(name, _inside(folder, names))

    return find


def middlebury(scenes: Sequence[str]) -> Layout:
    """Return the layout ``input/<scene>/frame1[01].png``, ``gt/<scene>/frame10i11.png``."""

    def find(root: Path) -> Iterator[Triplet]:
        for scene in scenes:
            frame0, frame1 = (root / "input" / scene / f"frame1{i}.png" for i in (0, 1))
            yield Triplet(scene, (frame0, root / "gt" / scene / "frame10i11.png", frame1))

    return find


def vimeo(root: Path) -> Iterator[Triplet]:
    """Yield ``sequences/<clip>/<shot>/im[123].png`` for the lines of ``tri_testlist.txt``."""
    for line in _lines(root / "tri_testlist.txt"):
        yield Triplet(line, _inside(root / "sequences" / line, VIMEO_NAMES))


def snu_film(mode: str) -> Layout:
    """Return the layout of ``test-<mode>.txt``: lines of three paths, used from ``test/`` on.

    The paths in the published lists begin with a folder of their authors.
    """

    def find(root: Path) -> Iterator[Triplet]:
        beside = root / f"test-{mode}.txt"
        file = beside if beside.is_file() else root / "eval_modes" / beside.name
        for line in _lines(file):
            paths = [re.sub(r"^.*?\btest/", "test/", word) for word in line.split()]
            if len(paths) != 3:
                raise ValueError(f"{file}: expected three paths on every line, got: {line}")
            name = Path(paths[1]).with_suffix("").as_posix().removeprefix("test/")
            yield Triplet(name, _inside(root, (paths[0], paths[1], paths[2])))

    return find


def xiph(clips: Sequence[str], view: View) -> Layout:
    """Return the layout ``<clip>-001.png`` to ``-099.png``: even frames from their neighbours."""

    def find(root: Path) -> Iterator[Triplet]:
        for clip in clips:
            for middle in range(2, 99, 2):
                before, here, after = (f"{clip}-{middle + i:03d}.png" for i in (-1, 0, 1))
                yield Triplet(f"{clip}/{middle:03d}", _inside(root, (before, here, after)), view)

    return find


def _inside(folder: Path, names: Names) -> tuple[Path, Path, Path]:
    return folder / names[0], folder / names[1], folder / names[2]


def _lines(file: Path) -> list[str]:
    if not file.is_file():
        raise ValueError(f"{file}: the list of this data set is missing")
    return [line.strip() for line in file.read_text().splitlines() if line.strip()]

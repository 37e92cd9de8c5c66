"""Triplets of images, and the layouts of folders that hold them."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from cdfi.common.paths import natural, visible
from cdfi.evaluation.data.rgb_images import SUFFIXES as IMAGE_SUFFIXES
from cdfi.evaluation.data.rgb_images import RgbImage, read_rgb_image, size_text

View = Callable[[RgbImage], RgbImage]
#: The file names of a triplet in the order of time.
Names = tuple[str, str, str]
HALF = Fraction(1, 2)

_X_TEST_FRAMES = 33
VIMEO_NAMES: Names = ("im1.png", "im2.png", "im3.png")


@dataclass(frozen=True)
class TripletFrames:
    """The decoded images of a triplet, all of one size; ``truth`` is to be predicted.

    ``t`` is its instant in (0, 1), with ``frame0`` at 0 and ``frame1`` at 1.
    """

    name: str
    frame0: RgbImage
    truth: RgbImage
    frame1: RgbImage
    t: Fraction = HALF


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
        files: ``frame0``, the true frame between and ``frame1``: files of 8-bit RGB.
        view: makes the part of each image that is scored, such as a crop; None: all of it.
        t: instant of the frame between, in (0, 1).
    """

    name: str
    files: tuple[Path, Path, Path]
    view: View | None = None
    t: Fraction = HALF

    def read(self, before: TripletFrames | None = None) -> TripletFrames:
        """Return the images.

        Args:
            before: the frames of the triplet before, if both have the same outer frames: these are
                not read again.

        Raises:
            ValueError: a file is missing or not 8-bit RGB, or the sizes differ.
        """
        files = self.files if before is None else self.files[1:2]
        images = [read_rgb_image(file) for file in files]
        for file, image in zip(files, images):
            if image.shape != images[0].shape:
                raise ValueError(
                    f"{file}: {size_text(image)} pixels, but {files[0].name} has "
                    f"{size_text(images[0])}"
                )
        if self.view is not None:
            images = [self.view(image) for image in images]
        if before is None:
            frame0, truth, frame1 = images
            return TripletFrames(self.name, frame0, truth, frame1, self.t)
        if images[0].shape != before.frame0.shape:
            raise ValueError(
                f"{files[0]}: {size_text(images[0])} pixels, but {self.files[0].name} has "
                f"{size_text(before.frame0)}"
            )
        return replace(before, name=self.name, truth=images[0], t=self.t)

    def same_gap(self, other: "Triplet | None") -> bool:
        """Return whether both triplets have the same outer frames and view."""
        if other is None:
            return False
        ends, theirs = self.files[::2], other.files[::2]
        return ends == theirs and self.view is other.view


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

    The paths in the published lists begin with a folder of their authors. The instant follows from
    the numbers of the files: it is 1/2 except in the lists of SNU-FILM-arb.
    """

    def find(root: Path) -> Iterator[Triplet]:
        beside = root / f"test-{mode}.txt"
        file = beside if beside.is_file() else root / "eval_modes" / beside.name
        for line in _lines(file):
            paths = [re.sub(r"^.*?\btest/", "test/", word) for word in line.split()]
            if len(paths) != 3:
                raise ValueError(f"{file}: expected three paths on every line, got: {line}")
            name = Path(paths[1]).with_suffix("").as_posix().removeprefix("test/")
            files = _inside(root, (paths[0], paths[1], paths[2]))
            yield Triplet(name, files, t=_numbered_instant(file, paths))

    return find


def xiph(clips: Sequence[str], view: View) -> Layout:
    """Return the layout ``<clip>-001.png`` to ``-099.png``: even frames from their neighbours."""

    def find(root: Path) -> Iterator[Triplet]:
        for clip in clips:
            for middle in range(2, 99, 2):
                before, here, after = (f"{clip}-{middle + i:03d}.png" for i in (-1, 0, 1))
                yield Triplet(f"{clip}/{middle:03d}", _inside(root, (before, here, after)), view)

    return find


def sequences(every: int) -> Layout:
    """Return the layout of folders that hold the frames of a video, in natural order.

    Every ``every``-th frame is kept and the frames between are predicted. Frames after the last
    complete gap are left out. A triplet is named ``<folder>/<file without suffix>``.
    """

    def find(root: Path) -> Iterator[Triplet]:
        for folder in _image_folders(root):
            files = _images(folder)
            for first in range(0, len(files) - every, every):
                yield from _gap(root, files[first : first + every + 1], range(1, every))

    return find


def x4k1000fps(view: View | None) -> Layout:
    """Return the layout ``test/<type>/<scene>/<frame>.png`` of X-TEST: 33 frames a scene.

    Frames 0 and 32 are kept, and frames 4, 8, ..., 28 are predicted (Sim, Oh and Kim, "XVFI",
    ICCV 2021).
    """

    def find(root: Path) -> Iterator[Triplet]:
        inside = root / "test"
        base = inside if inside.is_dir() else root
        for folder in _image_folders(base):
            files = _images(folder)
            if len(files) < _X_TEST_FRAMES:
                raise ValueError(
                    f"{folder}: expected {_X_TEST_FRAMES} frames of X-TEST, found {len(files)}"
                )
            yield from _gap(base, files[:_X_TEST_FRAMES], range(4, 32, 4), view)

    return find


def _gap(
    root: Path, files: Sequence[Path], between: range, view: View | None = None
) -> Iterator[Triplet]:
    """Yield the triplets of the first and the last of ``files``, and those at ``between``."""
    for number in between:
        name = files[number].relative_to(root).with_suffix("").as_posix()
        ends = (files[0], files[number], files[-1])
        yield Triplet(name, ends, view, Fraction(number, len(files) - 1))


def _image_folders(root: Path) -> list[Path]:
    """Return the folders at or below ``root`` that hold images, in natural order."""
    return sorted({file.parent for file in visible(root, IMAGE_SUFFIXES)}, key=natural)


def _images(folder: Path) -> list[Path]:
    """Return the images of a folder in natural order."""
    found = (file for file in folder.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES)
    return sorted((file for file in found if not file.name.startswith(".")), key=natural)


def _numbered_instant(file: Path, paths: Sequence[str]) -> Fraction:
    """Return the instant of the second of three files by the numbers in their names."""
    numbers = [re.findall(r"\d+", Path(path).stem)[-1:] for path in paths]
    if not all(numbers):
        return HALF
    first, middle, last = (int(found[0]) for found in numbers)
    if not first < middle < last:
        raise ValueError(f"{file}: the frames are not in order: {' '.join(paths)}")
    return Fraction(middle - first, last - first)


def _inside(folder: Path, names: Names) -> tuple[Path, Path, Path]:
    return folder / names[0], folder / names[1], folder / names[2]


def _lines(file: Path) -> list[str]:
    if not file.is_file():
        raise ValueError(f"{file}: the list of this data set is missing")
    return [line.strip() for line in file.read_text().splitlines() if line.strip()]

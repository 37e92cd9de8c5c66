"""The table of data sets, and the data set that a name or a path stands for."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from cdfi.common.cache import cache_folder
from cdfi.evaluation.data import layouts as triplets
from cdfi.evaluation.data.layouts import (
    VIMEO_NAMES,
    Layout,
    Names,
    Triplet,
    TripletFrames,
    Unreadable,
)
from cdfi.evaluation.data.rgb_images import RgbImage
from cdfi.evaluation.data.videos import Video

SCENES = [
    "Beanbags",
    "Dimetrodon",
    "DogDance",
    "Grove2",
    "Grove3",
    "Hydrangea",
    "MiniCooper",
    "RubberWhale",
    "Urban2",
    "Urban3",
    "Venus",
    "Walking",
]
CLIPS = [
    "BoxingPractice",
    "Crosswalk",
    "DrivingPOV",
    "FoodMarket",
    "FoodMarket2",
    "RitualDance",
    "SquareAndTimelapse",
    "Tango",
]
UCF_IDS = [str(number) for number in range(1, 3782, 10)]
UCF_NAMES = ("frame_00.png", "frame_01_gt.png", "frame_02.png")


@dataclass(frozen=True)
class DataSet:
    """A set of triplets.

    Attributes:
        name: on the command line.
        title: in tables.
        folder: relative to the data folder in the table, absolute once found.
        layout: arrangement of its files.
        source: how to get it, as the end of an error message.
        size: number of triplets; None if it depends on the files.
    """

    name: str
    title: str
    folder: Path
    layout: Layout
    source: str
    size: int | None = None

    def triplets(self) -> list[Triplet]:
        """Return every triplet it should hold, whether or not its files exist.

        Raises:
            ValueError: its folder or its list is missing.
        """
        if not self.folder.is_dir():
            raise ValueError(f"{self.title} is not in {self.folder}: {self.source}")
        found = list(self.layout(self.folder))
        if not found:
            raise ValueError(f"{self.folder}: no triplet found; {self.source}")
        return found

    def check(self) -> None:
        """Raise ValueError if files are missing: it names the first, and how to get the set."""
        found = self.triplets()
        first_missing = (next(filter(_is_missing, triplet.files), None) for triplet in found)
        if missing := list(filter(None, first_missing)):
            raise ValueError(
                f"{self.title} is incomplete: {len(missing)} of {len(found)} triplets lack files, "
                f"first {missing[0]}; {self.source}; "
                "--keep-going scores the rest"
            )

    def read(self) -> Iterator[TripletFrames | Unreadable]:
        """Yield the images of every triplet, or why they cannot be read.

        Raises:
            ValueError: as :meth:`triplets`.
        """
        last: tuple[Triplet, TripletFrames] | None = None
        for triplet in self.triplets():
            known = last[1] if last is not None and triplet.same_gap(last[0]) else None
            try:
                frames = triplet.read(known)
            except ValueError as error:
                yield Unreadable(triplet.name, str(error))
                continue
            last = triplet, frames
            yield frames


def _is_missing(file: Path) -> bool:
    return not file.is_file()


def halved(image: RgbImage) -> RgbImage:
    """Halve the size by averaging 2 x 2 pixels, rounded, as OpenCV's area interpolation does."""
    height, width = image.shape[0] // 2, image.shape[1] // 2
    blocks = image[: 2 * height, : 2 * width].reshape(height, 2, width, 2, 3)
    mean: RgbImage = ((blocks.sum(axis=(1, 3), dtype="uint16") + 2) // 4).astype("uint8")
    return mean


def centre(image: RgbImage) -> RgbImage:
    """Return the middle half of both sides: 2048 x 1080 of 4096 x 2160."""
    height, width = image.shape[0] // 4, image.shape[1] // 4
    return image[height : image.shape[0] - height, width : image.shape[1] - width]


def _download(name: str) -> str:
    return f"get it with: cdfi datasets download {name}"


def _snu_film(mode: str) -> DataSet:
    return DataSet(
        f"snu-film-{mode}",
        f"SNU-FILM {mode}",
        Path("snu_film"),
        triplets.snu_film(mode),
        "get it from https://myungsub.github.io/CAIN and put the folder test and the lists "
        "test-*.txt there",
        310,
    )


def _snu_film_arb(mode: str) -> DataSet:
    return DataSet(
        f"snu-film-arb-{mode}",
        f"SNU-FILM-arb {mode}",
        Path("snu_film"),
        triplets.snu_film(f"arb-{mode}"),
        "get SNU-FILM from https://myungsub.github.io/CAIN and the lists test-arb-*.txt from "
        "https://github.com/GSeanCDAT/GIMM-VFI",
    )


def _x_test(name: str, title: str, view: triplets.View | None) -> DataSet:
    return DataSet(
        name,
        title,
        Path("x4k1000fps"),
        triplets.x4k1000fps(view),
        "get X-TEST from https://github.com/JihyongOh/XVFI and put its folder test there",
        105,
    )


def _xiph(name: str, title: str, view: triplets.View) -> DataSet:
    return DataSet(
        name,
        title,
        Path("xiph"),
        triplets.xiph(CLIPS, view),
        "make frames 001 to 099 of each 4K clip of https://media.xiph.org/video/derf/ with "
        "ffmpeg -i Netflix_CLIP_4096x2160_60fps_10bit_420.y4m -pix_fmt rgb24 -frames:v 100 "
        "CLIP-%03d.png",
        392,
    )


DATASETS = {
    row.name: row
    for row in [
        DataSet(
            "middlebury",
            "Middlebury",
            Path("middlebury_others"),
            triplets.middlebury(SCENES),
            _download("middlebury"),
            12,
        ),
        DataSet(
            "ucf101-dvf",
            "UCF101-DVF",
            Path("ucf101_dvf"),
            triplets.named_folders(UCF_IDS, UCF_NAMES),
            _download("ucf101-dvf"),
            379,
        ),
        DataSet(
            "vimeo-90k",
            "Vimeo-90K",
            Path("vimeo_triplet"),
            triplets.vimeo,
            _download("vimeo-90k"),
            3782,
        ),
        *map(_snu_film, ("easy", "medium", "hard", "extreme")),
        *map(_snu_film_arb, ("medium", "hard", "extreme")),
        _x_test("x4k1000fps-2k", "X4K1000FPS-2K", halved),
        _x_test("x4k1000fps-4k", "X4K1000FPS-4K", None),
        _xiph("xiph-2k", "Xiph-2K", halved),
        _xiph("xiph-4k", "Xiph-4K", centre),
    ]
}


def data_folder(chosen: Path | None = None) -> Path:
    """Return the folder of data sets: the chosen one, else ``CDFI_DATA``, else in the cache."""
    if chosen is not None:
        return chosen
    named = os.environ.get("CDFI_DATA")
    return Path(named) if named else cache_folder() / "datasets"


def find_dataset(
    name: str,
    root: Path | None = None,
    names: Names = VIMEO_NAMES,
    every: int | None = None,
) -> DataSet | Video:
    """Return the data set called ``name``: a row of the table, a folder, or a video.

    Args:
        name: a key of :data:`DATASETS` or a path.
        root: the data folder; see :func:`data_folder`.
        names: the three files in each folder of a path, in the order of time.
        every: of a video, every this many frames one is kept and those between are predicted, by
            default 2; a folder with this holds the frames of videos instead of triplets.

    Raises:
        ValueError: the name is unknown and not a path, or ``every`` is below 2 or given for a row
            of the table.
    """
    if every is not None and every < 2:
        raise ValueError(f"every must be 2 or more, got {every}: one frame in so many is kept")
    if name in DATASETS:
        if every is not None:
            raise ValueError(f"every does not apply to {name}: its list says what is predicted")
        row = DATASETS[name]
        return replace(row, folder=data_folder(root) / row.folder)
    path = Path(name)
    if path.is_dir() and every is not None:
        source = f"expected folders of at least {every + 1} images"
        title = path.resolve().name
        return DataSet(title, title, path, triplets.sequences(every), source)
    if path.is_dir():
        source = f"expected folders that hold {', '.join(names)} (other names: --names)"
        title = path.resolve().name
        return DataSet(title, title, path, triplets.any_folders(names), source)
    if path.is_file():
        return Video(path, every or 2)
    raise ValueError(
        f"no data set is called {name}, and no folder or video is there; known are "
        f"{', '.join(DATASETS)}"
    )


def present(root: Path) -> Iterator[tuple[DataSet, int]]:
    """Yield every row of the table as found under ``root``, and its number of complete triplets."""
    for row in DATASETS.values():
        here = replace(row, folder=root / row.folder)
        try:
            found = here.triplets()
        except ValueError:
            found = []
        yield here, sum(not any(map(_is_missing, triplet.files)) for triplet in found)

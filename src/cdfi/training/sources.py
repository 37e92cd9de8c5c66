"""``KIND=FOLDER:WEIGHT`` -> the stream of training samples, and what is held out."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cdfi.common.cache import training_cache
from cdfi.common.choices import unknown_name
from cdfi.common.progress import Progress
from cdfi.data.batch import SampleSource
from cdfi.data.clips import cached_takes
from cdfi.data.held_out import clip_triplets, file_triplets, split_triplets
from cdfi.data.mixture import Mixture, Share
from cdfi.data.motion import Estimated
from cdfi.data.photos import photo_cache
from cdfi.data.shots import Shots
from cdfi.data.synthetic import Synthetic
from cdfi.data.triplets import Paths, Triplets, folder_triplets, vimeo_triplets
from cdfi.training.args import TrainArgs


class Opened(NamedTuple):
    """One source, and the real triplets kept from it for validation, uint8 (M, 3, H, W, 3)."""

    source: SampleSource
    held_out: np.ndarray | None


class Data(NamedTuple):
    """All a run reads: the stream, and its validation triplets (None without real shots)."""

    mixture: Mixture
    held_out: np.ndarray | None


def parse_source(text: str) -> tuple[str, Path, float]:
    """Kind, folder and weight of ``KIND=FOLDER[:WEIGHT]``.

    Raises:
        ValueError: no such form, or an unknown kind (near ones are shown).
    """
    kind, equals, rest = text.partition("=")
    if not equals or not rest:
        raise ValueError(f"expected data as KIND=FOLDER or KIND=FOLDER:WEIGHT, not {text!r}")
    if kind not in KINDS:
        raise unknown_name("kind of data", kind, KINDS)
    folder, colon, tail = rest.rpartition(":")
    try:
        return kind, Path(folder if colon else rest).expanduser(), float(tail) if colon else 1.0
    except ValueError:  # a colon that belongs to the path
        return kind, Path(rest).expanduser(), 1.0


def open_data(args: TrainArgs, progress: Progress | None = None) -> Data:
    """Open (and on first use decode) every source of a run.

    Raises:
        ValueError: no data, or a source that cannot be used, with the reason.
    """
    if not args.data:
        raise ValueError("no data: give --data KIND=FOLDER, e.g. --data clips=videos")
    shares: list[Share] = []
    held_out: list[np.ndarray] = []
    for text in args.data:
        kind, folder, weight = parse_source(text)
        opened = KINDS[kind](folder, args, progress)
        shares.append(Share(opened.source, weight))
        if opened.held_out is not None:
            held_out.append(opened.held_out)
    mixture = Mixture(shares, args.augment, args.seed)
    return Data(mixture, held_out[0] if held_out else None)


def cache_folder(args: TrainArgs) -> Path:
    """Where decoded data is kept."""
    return Path(args.cache).expanduser() if args.cache else training_cache()


def _clips(folder: Path, args: TrainArgs, progress: Progress | None) -> Opened:
    takes = cached_takes(folder, cache_folder(args), progress=progress)
    training = [take for take in takes if not take.held_out]
    return Opened(_guided(Shots(training, _needed_crop(args)), args), clip_triplets(takes))


def _synthetic(folder: Path, args: TrainArgs, _: Progress | None) -> Opened:
    photos = photo_cache(folder, cache_folder(args))
    return Opened(Synthetic(photos, _needed_crop(args), args.motion), None)


def _vimeo(folder: Path, args: TrainArgs, _: Progress | None) -> Opened:
    return _files(vimeo_triplets(folder), args)


def _triplets(folder: Path, args: TrainArgs, _: Progress | None) -> Opened:
    return _files(folder_triplets(folder), args)


def _files(triplets: Sequence[Paths], args: TrainArgs) -> Opened:
    training, validation = split_triplets(triplets)
    source = Triplets(training, args.crop, args.seed)
    return Opened(_guided(source, args), file_triplets(validation))


def _guided(source: SampleSource, args: TrainArgs) -> SampleSource:
    """Real shots, with their motion if it is asked for."""
    return Estimated(source) if args.estimate_motion else source


def _needed_crop(args: TrainArgs) -> int:
    if not args.crop:
        raise ValueError("clips and synthetic data need a --crop, e.g. --crop 128")
    return args.crop


KINDS: dict[str, Callable[[Path, TrainArgs, Progress | None], Opened]] = {
    "clips": _clips,
    "synthetic": _synthetic,
    "vimeo": _vimeo,
    "triplets": _triplets,
}

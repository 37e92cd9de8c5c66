"""Open the sources of training data that a run names, and its validation triplets."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from cdfi.common.cache import training_cache
from cdfi.common.choices import unknown_name
from cdfi.common.progress import Progress
from cdfi.common.rounding import to_bytes
from cdfi.data.batch import Batch, SampleSource
from cdfi.data.clips import cached_takes
from cdfi.data.held_out import clip_triplets, file_triplets, split_triplets
from cdfi.data.mixture import Mixture, WeightedSource
from cdfi.data.motion import EstimatedMotion
from cdfi.data.photos import photo_cache
from cdfi.data.shots import Shots
from cdfi.data.synthetic import Synthetic
from cdfi.data.triplets import Paths, Triplets, folder_triplets, vimeo_triplets
from cdfi.training.arg_groups import DataArgs

_DRAWN = 32  # triplets drawn for validation
_FIRST_DRAWN = 1 << 40  # number of the first of them, beyond those of any run


class Opened(NamedTuple):
    """A source, and its real triplets for validation, uint8 (M, 3, H, W, 3), or None."""

    source: SampleSource
    held_out: np.ndarray | None


class Data(NamedTuple):
    """What a run reads.

    Attributes:
        mixture: the stream of samples; None if ``batches`` come from elsewhere.
        held_out: validation triplets, uint8 (M, 3, H, W, 3); None without real shots.
        batches: endless batches, instead of a mixture.
        drawn: whether the validation triplets are drawn from the training data.
    """

    mixture: Mixture | None
    held_out: np.ndarray | None
    batches: Iterator[Batch] | None = None
    drawn: bool = False

    def with_validation(self) -> "Data":
        """Return the data with validation triplets: if none are held out, some are drawn."""
        if self.held_out is not None or self.mixture is None:
            return self
        return self._replace(held_out=drawn_triplets(self.mixture), drawn=True)


def parse_source(text: str) -> tuple[str, Path, float]:
    """Return kind, folder and weight of ``KIND=FOLDER[:WEIGHT]``.

    Raises:
        ValueError: text of another form, an unknown kind (the message shows similar ones), or a
            weight that is not above 0.
    """
    kind, equals, rest = text.partition("=")
    if not equals or not rest:
        raise ValueError(f"expected data as KIND=FOLDER or KIND=FOLDER:WEIGHT, got {text!r}")
    if kind not in KINDS:
        raise unknown_name("kind of data", kind, KINDS)
    folder, colon, tail = rest.rpartition(":")
    try:
        weight = float(tail) if colon else 1.0
    except ValueError:  # a colon that belongs to the path
        folder, colon, weight = "", "", 1.0
    if not 0 < weight < float("inf"):
        raise ValueError(f"the weight of a data source must be above 0 and finite, got {text!r}")
    return kind, Path(folder if colon else rest).expanduser(), weight


def open_data(args: DataArgs, progress: Progress | None = None) -> Data:
    """Open every source of a run; its videos and photos are decoded on first use.

    The validation triplets are those of the first source that has any.

    Raises:
        ValueError: no data, or a source that cannot be used, with the reason.
    """
    if not args.data:
        raise ValueError("no data: give --data KIND=FOLDER, e.g. --data clips=videos")
    sources: list[WeightedSource] = []
    held_out: list[np.ndarray] = []
    for text in args.data:
        kind, folder, weight = parse_source(text)
        opened = KINDS[kind](folder, args, progress)
        sources.append(WeightedSource(opened.source, weight))
        if opened.held_out is not None:
            held_out.append(opened.held_out)
    mixture = Mixture(sources, args.augment, args.seed)
    return Data(mixture, held_out[0] if held_out else None)


def drawn_triplets(mixture: Mixture) -> np.ndarray | None:
    """Return triplets of the training data at t = 1/2, uint8 (M, 3, H, W, 3).

    Their synthetic scenes are not those that are trained on. None if all of the samples have
    another instant.
    """
    batch = mixture.batch(_FIRST_DRAWN, _DRAWN)
    half = batch.t.flatten() == 0.5
    frames = torch.stack((batch.frame0, batch.middle, batch.frame1), 1)[half]
    return to_bytes(frames).permute(0, 1, 3, 4, 2).numpy() if len(frames) else None


def data_cache(args: DataArgs) -> Path:
    """Return the folder of decoded data."""
    return Path(args.cache).expanduser() if args.cache else training_cache()


def _clips(folder: Path, args: DataArgs, progress: Progress | None) -> Opened:
    takes = cached_takes(folder, data_cache(args), progress=progress)
    training = [take for take in takes if not take.held_out]
    shots = Shots(training, _required_crop(args), any_instant=args.any_instant)
    return Opened(_with_motion(shots, args), clip_triplets(takes))


def _synthetic(folder: Path, args: DataArgs, _: Progress | None) -> Opened:
    photos = photo_cache(folder, data_cache(args))
    crop, any_instant = _required_crop(args), args.any_instant
    return Opened(Synthetic(photos, crop, args.motion, any_instant=any_instant), None)


def _vimeo(folder: Path, args: DataArgs, _: Progress | None) -> Opened:
    return _files(vimeo_triplets(folder), args)


def _triplets(folder: Path, args: DataArgs, _: Progress | None) -> Opened:
    return _files(folder_triplets(folder), args)


def _files(triplets: Sequence[Paths], args: DataArgs) -> Opened:
    training, validation = split_triplets(triplets)
    source = Triplets(training, args.crop, args.seed)
    return Opened(_with_motion(source, args), file_triplets(validation))


def _with_motion(source: SampleSource, args: DataArgs) -> SampleSource:
    """Return a source of real shots, with estimated motion if ``args`` request it."""
    return EstimatedMotion(source, args.motion_teacher) if args.estimate_motion else source


def _required_crop(args: DataArgs) -> int:
    if not args.crop:
        raise ValueError("clips and synthetic data need a --crop, e.g. --crop 128")
    return args.crop


KINDS: dict[str, Callable[[Path, DataArgs, Progress | None], Opened]] = {
    "clips": _clips,
    "synthetic": _synthetic,
    "vimeo": _vimeo,
    "triplets": _triplets,
}

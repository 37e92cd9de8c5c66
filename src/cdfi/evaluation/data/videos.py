"""A video as a data set: one frame in N is kept, and those between are predicted."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

from cdfi.evaluation.data.layouts import TripletFrames, Unreadable
from cdfi.evaluation.data.rgb_images import RgbImage, to_rgb_image


@dataclass(frozen=True)
class Video:
    """The frames of a video file, read when they are needed.

    Attributes:
        path: of the file.
        every: one frame in so many is kept; 2 or more.
    """

    path: Path
    every: int = 2

    @property
    def name(self) -> str:
        """The file's name without its suffix."""
        return self.path.stem

    @property
    def title(self) -> str:
        """The file's name."""
        return self.path.name

    @property
    def size(self) -> None:
        """None: it is known only after decoding the whole file."""
        return

    def check(self) -> None:
        """Raise ValueError or OSError if the file is not a readable video."""
        from cdfi.video.reading.source import read_source

        read_source(self.path)

    def read(self) -> Iterator[TripletFrames | Unreadable]:
        """Yield frames 0 and N with 1 to N - 1 as the truths, then N and 2N, and so on.

        Frames that the decoder omits or changes are reported where they are noticed, as frames
        near them may not be neighbours. Frames after the last complete gap are left out.

        Raises:
            ValueError: the file is not a readable video, or is shorter than a gap.
            OSError: the file cannot be read.
        """
        warnings: Counter[str] = Counter()
        images = self._images(warnings)
        reported: Counter[str] = Counter()
        frame0, number = next(images, None), 0
        while len(gap := list(islice(images, self.every))) == self.every and frame0 is not None:
            for i, truth in enumerate(gap[:-1], start=1):
                t = Fraction(i, self.every)
                yield TripletFrames(f"{number + i:06d}", frame0, truth, gap[-1], t)
            frame0, number = gap[-1], number + self.every
            yield from self._faults(warnings - reported, number + 1)
            reported = warnings.copy()
        yield from self._faults(warnings - reported, number + 1)
        if number == 0:
            raise ValueError(
                f"{self.path}: has fewer than {self.every + 1} frames, so none can be predicted"
            )

    def _faults(self, warnings: Counter[str], number: int) -> Iterator[Unreadable]:
        for reason, count in warnings.items():
            yield Unreadable(f"near {number:06d}", f"{self.path}: {count} {reason}")

    def _images(self, warnings: Counter[str]) -> Iterator[RgbImage]:
        from cdfi.video.pixels.colour import Converter
        from cdfi.video.reading.index import read_index
        from cdfi.video.reading.reader import Reader
        from cdfi.video.reading.source import read_source

        source = read_source(self.path)
        converter = Converter(source.pix_fmt, source.colour)
        for frame in Reader(source, read_index(self.path), warnings=warnings).frames():
            yield to_rgb_image(converter.to_rgb(frame.image)[None])

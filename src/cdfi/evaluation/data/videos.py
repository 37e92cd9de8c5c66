"""A video as a data set: every second frame is predicted from its neighbours."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cdfi.evaluation.data.layouts import TripletFrames, Unreadable
from cdfi.evaluation.data.rgb_images import RgbImage, to_rgb_image


@dataclass(frozen=True)
class Video:
    """The frames of a video file, read when they are needed."""

    path: Path

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
        """Yield frames 0 and 2 with 1 as the truth, 2 and 4 with 3, and so on.

        Frames that the decoder omits or changes are reported where they are noticed, as frames
        near them may not be neighbours. A last frame without a partner is left out.

        Raises:
            ValueError: the file is not a readable video, or has fewer than three frames.
            OSError: the file cannot be read.
        """
        warnings: Counter[str] = Counter()
        images = self._images(warnings)
        told: Counter[str] = Counter()
        frame0, number = next(images, None), 1
        for truth, frame1 in zip(images, images):
            if frame0 is None:
                break
            yield TripletFrames(f"{number:06d}", frame0, truth, frame1)
            frame0, number = frame1, number + 2
            yield from self._faults(warnings - told, number)
            told = warnings.copy()
        yield from self._faults(warnings - told, number)
        if number == 1:
            raise ValueError(f"{self.path}: has fewer than three frames, so none can be predicted")

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

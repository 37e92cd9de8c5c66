"""Write the frames of the held-out shots as folders, to score instants with cdfi evaluate.

python benchmarks/held_out_frames.py $DATA/train/clips frames
cdfi evaluate flow --dataset frames --every 4
"""

import sys
from pathlib import Path

from PIL import Image

from cdfi.common.cache import training_cache
from cdfi.data.clips import cached_takes


def main(clips: str, out: str, cache: str = str(training_cache())) -> None:
    for number, take in enumerate(cached_takes(Path(clips), Path(cache))):
        if take.held_out:
            folder = Path(out) / f"{number:04}"
            folder.mkdir(parents=True, exist_ok=True)
            for frame, pixels in enumerate(take.pixels()):
                Image.fromarray(pixels).save(folder / f"{frame:03}.png")


if __name__ == "__main__":
    main(*sys.argv[1:])

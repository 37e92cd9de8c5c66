"""Write an animated WebP: a slowed clip on the left, the same clip interpolated on the right.

python examples/animation.py CLIP.mp4 OUT.webp [STRIDE FACTOR FIRST LAST]
Every STRIDE-th frame from FIRST to LAST is used; FACTOR - 1 frames are added between two of them.
"""

import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image

import cdfi
from cdfi.data.decode import decode

BOX, SIZE = (0, 40, 400, 360), (256, 204)  # the part that is shown, and its size
OPTIONS = {"save_all": True, "duration": 40, "loop": 0, "quality": 70, "method": 6}


def panel(*frames: np.ndarray) -> Image.Image:
    """Frames side by side, each cropped to BOX and scaled to SIZE."""
    crops = [Image.fromarray(frame).crop(BOX) for frame in frames]
    return Image.fromarray(np.hstack([np.asarray(crop.resize(SIZE)) for crop in crops]))


def main(clip: str, out: str, *numbers: int) -> None:
    stride, factor, first, last = numbers or (3, 4, 0, 99)
    frames = list(decode(Path(clip)))[first:last:stride]
    times = [Fraction(step, factor) for step in range(1, factor)]
    interpolator, panels = cdfi.Interpolator(), []
    for frame0, frame1 in pairwise(frames):
        middles = interpolator.between(frame0, frame1, times)
        panels += [panel(frame0, frame) for frame in (frame0, *middles)]
    panels[0].save(out, append_images=panels[1:], **OPTIONS)


if __name__ == "__main__":
    main(*sys.argv[1:3], *map(int, sys.argv[3:]))

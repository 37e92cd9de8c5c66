"""Write an image of interpolated frames beside the truth, cropped from videos.

python examples/side_by_side.py out.jpg default,cdfi clip.mp4:3:2:100:50 ...

Each argument VIDEO:FRAME:STRIDE:X:Y is one row: the mean of frames FRAME - STRIDE and FRAME +
STRIDE, the frame each model interpolates between the two, and frame FRAME, cropped at (X, Y).
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

import cdfi
from cdfi.data.decode import decode

WIDTH, HEIGHT = 224, 144


def row(place: str, models: list[cdfi.Interpolator]) -> np.ndarray:
    """Return one row: mean, predictions, truth, side by side."""
    video, *numbers = place.rsplit(":", 4)
    frame, stride, x, y = map(int, numbers)
    frames = list(decode(Path(video)))
    before, truth, after = (frames[i] for i in (frame - stride, frame, frame + stride))
    mean = ((before.astype(int) + after) // 2).astype(np.uint8)
    pictures = [mean, *(model(before, after) for model in models), truth]
    return np.hstack([picture[y : y + HEIGHT, x : x + WIDTH] for picture in pictures])


def main(out: str, models: str, *places: str) -> None:
    loaded = [cdfi.Interpolator(name, precision="fp32") for name in models.split(",")]
    Image.fromarray(np.vstack([row(place, loaded) for place in places])).save(out)


if __name__ == "__main__":
    main(*sys.argv[1:])

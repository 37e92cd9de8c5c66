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


def row(crop: str, models: list[cdfi.Interpolator]) -> np.ndarray:
    """Return one row: mean, predictions, truth, side by side."""
    video, *numbers = crop.rsplit(":", 4)
    frame, stride, x, y = map(int, numbers)
    frames = list(decode(Path(video)))
    before, truth, after = (frames[i] for i in (frame - stride, frame, frame + stride))
    mean = ((before.astype(int) + after) // 2).astype(np.uint8)
    images = [mean, *(model(before, after) for model in models), truth]
    return np.hstack([image[y : y + HEIGHT, x : x + WIDTH] for image in images])


def main(out: str, models: str, *crops: str) -> None:
    loaded = [cdfi.Interpolator(name, precision="fp32") for name in models.split(",")]
    Image.fromarray(np.vstack([row(crop, loaded) for crop in crops])).save(out)


if __name__ == "__main__":
    main(*sys.argv[1:])

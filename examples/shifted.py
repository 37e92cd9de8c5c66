"""Score how exactly models follow a uniform motion: photos shifted by known amounts per half step.

python examples/shifted.py data/train/stills default,compressed-adacof,dis [1/2,1/4,1/3,2/5]
"""

import sys
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from cdfi.evaluation import find_method
from cdfi.evaluation.data.rgb_images import read_rgb_image

SHIFTS = ((2, 1), (0.5, 0.3), (3.3, -2.2), (6.7, -1.6), (10, 4))  # columns, rows
EVERY, SIZE, EDGE = 8, (256, 256), 24  # use every 8th photo; its size; the border not scored


def moved(photo: np.ndarray, x: float, y: float) -> np.ndarray:
    matrix = np.array([[1, 0, float(x)], [0, 1, float(y)]], np.float32)
    return cv2.warpAffine(photo, matrix, SIZE, None, cv2.INTER_LANCZOS4, cv2.BORDER_REFLECT)


def main(folder: str, names: str, instants: str = "1/2") -> None:
    paths = sorted(p for p in Path(folder).iterdir() if p.suffix in (".jpg", ".png"))[::EVERY]
    photos = [cv2.resize(read_rgb_image(p), SIZE, None, 0, 0, cv2.INTER_AREA) for p in paths]
    for name in names.split(","):
        method = find_method(name)
        for t in map(Fraction, instants.split(",")):
            for x, y in SHIFTS:
                ends = ((moved(p, s * x, s * y) for s in (-2 * t, 2 - 2 * t)) for p in photos)
                found = np.stack([method.predict("", "", *pair, t) for pair in ends])
                errors = (found.astype(float) - photos)[:, EDGE:-EDGE, EDGE:-EDGE]
                psnr = 10 * np.log10(255**2 / ((errors**2).mean((1, 2, 3)) + 1 / 12))  # + rounding
                print(name, t, (x, y), f"{psnr.mean():.2f} dB")


if __name__ == "__main__":
    main(*sys.argv[1:])

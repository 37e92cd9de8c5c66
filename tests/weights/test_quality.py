"""The bundled weights keep their quality on three real triplets that are not in their data."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cdfi.interpolation import Interpolator
from cdfi.weights import BUNDLED

HELD_OUT = Path(__file__).parent.parent / "assets" / "held_out"
#: dB, rounded to 8 bits, over the whole image: what the files score that are bundled now.
SCORES = {
    "flow": {"camel_stock": 38.49, "cats_playing": 39.94, "tennis_park": 29.83},
    "flow-wide": {"camel_stock": 38.63, "cats_playing": 39.88, "tennis_park": 29.82},
    "flow-fast": {"camel_stock": 38.49, "cats_playing": 39.40, "tennis_park": 29.98},
    "flow-lpips": {"camel_stock": 38.50, "cats_playing": 39.79, "tennis_park": 29.74},
    "aligned-adacof": {"camel_stock": 38.58, "cats_playing": 39.86, "tennis_park": 29.89},
    "aligned-adacof-lpips": {"camel_stock": 38.69, "cats_playing": 39.58, "tennis_park": 29.74},
    "matched-adacof": {"camel_stock": 37.40, "cats_playing": 39.19, "tennis_park": 30.76},
    "compressed-adacof": {"camel_stock": 37.33, "cats_playing": 39.25, "tennis_park": 28.28},
    "cdfi": {"camel_stock": 38.41, "cats_playing": 39.41, "tennis_park": 28.26},
}
TOLERANCE = 0.05


def psnr(model, triplet):
    names = ("frame0", "truth", "frame1")
    frame0, truth, frame1 = (np.array(Image.open(HELD_OUT / triplet / f"{n}.png")) for n in names)
    error = np.square(model(frame0, frame1).astype(float) - truth).mean()
    return 10 * np.log10(255**2 / error)


def test_every_bundled_model_has_scores_to_hold():
    assert SCORES.keys() == BUNDLED.keys()


@pytest.mark.parametrize("name", SCORES)
def test_bundled_weights_keep_their_quality(name):
    model = Interpolator(name, "cpu", precision="fp32")
    found = {triplet: round(psnr(model, triplet), 2) for triplet in SCORES[name]}
    lost = {t: found[t] for t, score in SCORES[name].items() if found[t] < score - TOLERANCE}
    assert not lost, f"worse than {SCORES[name]}"

"""Score models and baselines on the held-out triplets, which no run trains on: PSNR, SSIM, LPIPS.

python examples/held_out.py data/train/clips default,runs/first/best.safetensors,dis,average
"""

import sys
from pathlib import Path

import numpy as np

from cdfi.common.cache import training_cache
from cdfi.data.clips import cached_takes
from cdfi.data.held_out import clip_triplets
from cdfi.evaluation import Method, find_method
from cdfi.evaluation.columns import METRICS
from cdfi.evaluation.data.layouts import HALF
from cdfi.evaluation.data.rgb_images import to_tensor

COLUMNS = [METRICS[name] for name in ("psnr", "ssim", "lpips", "lpips-paper")]


def scores(chosen: Method, triplet: np.ndarray) -> list[float]:
    middle = chosen.predict("", "", triplet[0], triplet[2], HALF)
    return [m.function(to_tensor(middle), to_tensor(triplet[1])).item() for m in COLUMNS]


def main(clips: str, names: str, cache: str = str(training_cache())) -> None:
    triplets = clip_triplets(cached_takes(Path(clips), Path(cache)))
    if triplets is None:
        raise SystemExit(f"no video in {clips} is held out")
    for name in names.split(","):
        method = find_method(name)
        means = np.mean([scores(method, triplet) for triplet in triplets], 0)
        print(name, *(f"{m.name} {mean:.4f}" for m, mean in zip(COLUMNS, means)))


if __name__ == "__main__":
    main(*sys.argv[1:])

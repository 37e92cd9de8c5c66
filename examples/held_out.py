"""Score models and baselines on the held-out triplets, which no run trains on: PSNR, SSIM, LPIPS.

python examples/held_out.py data/train/clips default,runs/first/best.safetensors,dis,average
"""

import sys
from pathlib import Path

import numpy as np

import cdfi
from cdfi.common.cache import training_cache
from cdfi.data.clips import cached_takes
from cdfi.data.held_out import clip_triplets
from cdfi.evaluation import Method, baseline_method, network_method
from cdfi.evaluation.columns import choose_metrics
from cdfi.evaluation.data.layouts import HALF
from cdfi.evaluation.data.rgb_images import to_tensor
from cdfi.evaluation.methods.baselines import BASELINES

METRICS = choose_metrics(["psnr", "ssim", "lpips", "lpips-paper"])


def scores(chosen: Method, triplet: np.ndarray) -> list[float]:
    middle = chosen.predict("", "", triplet[0], triplet[2], HALF)
    return [m.function(to_tensor(middle), to_tensor(triplet[1])).item() for m in METRICS]


def main(clips: str, names: str, cache: str = str(training_cache())) -> None:
    triplets = clip_triplets(cached_takes(Path(clips), Path(cache)))
    if triplets is None:
        raise SystemExit(f"no video in {clips} is held out")
    for name in names.split(","):
        model = None if name in BASELINES else cdfi.Interpolator(name)
        chosen = network_method(name, model) if model else baseline_method(name)
        means = np.mean([scores(chosen, triplet) for triplet in triplets], 0)
        print(chosen.name, *(f"{m.name} {mean:.4f}" for m, mean in zip(METRICS, means)))


if __name__ == "__main__":
    main(*sys.argv[1:])

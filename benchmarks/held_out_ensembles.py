"""How much could averaging gain on held-out triplets? The score of models, and of means of passes.

python benchmarks/held_out_ensembles.py CLIPS [MODEL ...]

CLIPS is a folder of training clips, $CDFI_DATA/train/clips for the figures of docs/notes.md.
"""

import argparse
import json
from itertools import product
from pathlib import Path

import torch
from machine import machine
from torch import Tensor

import cdfi
from cdfi.common.cache import training_cache
from cdfi.data.clips import cached_takes
from cdfi.data.held_out import clip_triplets
from cdfi.training.validate import psnr_per_triplet

MODELS = ["flow", "flow-wide"]
MIRRORED = [(), (-1,), (-2,), (-1, -2)]  # axes
BATCH = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", type=Path)
    parser.add_argument("models", nargs="*", default=MODELS)
    options = parser.parse_args()
    triplets = clip_triplets(cached_takes(options.clips, training_cache()))
    if triplets is None:
        parser.error(f"{options.clips}: no take is held out")
    frames = torch.from_numpy(triplets).permute(0, 1, 4, 2, 3).float() / 255
    scores = {}
    for name in options.models:
        interpolator = cdfi.Interpolator(name, precision="fp32")
        alone, mean = passes(interpolator, frames[:, 0], frames[:, 2])
        scores[name] = psnr_per_triplet(alone, triplets)
        scores[f"{name}, mean of eight passes"] = psnr_per_triplet(mean, triplets)
        print(f"{name}: {scores[name].mean():.3f} dB", flush=True)
    best = torch.stack(list(scores.values())).amax(0)
    result = {
        "question": __doc__.splitlines()[0],
        "psnr": {name: round(float(score.mean()), 3) for name, score in scores.items()},
        "the best for each triplet, chosen with the truth": round(float(best.mean()), 3),
        "triplets below 23 dB with all": int((best < 23).sum()),
        "machine": machine(),
    }
    print(json.dumps(result, indent=2))


def passes(network: cdfi.Interpolator, first: Tensor, last: Tensor) -> tuple[Tensor, Tensor]:
    """Return the middle frames, and their means over mirrored frames and both orders."""
    every = []
    for axes, reverse in product(MIRRORED, (False, True)):
        sides = [x.flip(axes) if axes else x for x in ((last, first) if reverse else (first, last))]
        parts = [network(a, b) for a, b in zip(sides[0].split(BATCH), sides[1].split(BATCH))]
        middle = torch.cat(parts).cpu()
        every.append(middle.flip(axes) if axes else middle)
    return every[0], torch.stack(every).mean(0)


if __name__ == "__main__":
    main()

"""Compress AdaCoF with your own videos, in the same stages as ``cdfi compress``."""

import sys
from dataclasses import replace

from cdfi.design.comparison import as_markdown
from cdfi.design.pipeline import compress
from cdfi.design.settings import Compression, Pruning
from cdfi.training.args import TrainArgs


def main(
    videos: str,
    out: str = "runs",
    weights: str = "compressed-adacof",
    steps: int = 2000,
    crop: int = 64,
    **choices: object,
) -> None:
    data = TrainArgs(data=(f"clips={videos}",), crop=crop, batch=4, loss="1*Charb", out=out)
    data = replace(data, run="adacof-half", **choices)  # type: ignore[arg-type]
    prune = replace(data, weights=weights, optimizer="OBProxSG", lr=3e-2, schedule="constant")
    prune = replace(prune, steps=max(1, steps // 2))
    retrain = replace(data, optimizer="AdamW", lr=3e-4, schedule="cosine", steps=steps)
    pruning = Pruning(lambda_=5e-3, prox_epochs=2, samples=400, stop_density=0.3)
    options = Compression(ratio=2, distill_output=0.5)  # half the parameters, distilled
    entries = compress(options, pruning, prune, retrain)
    print(as_markdown(entries, options.size))


if __name__ == "__main__":
    main(*sys.argv[1:4])

"""What does a flow network cost and score when it is made smaller, by method?

A network that `cdfi prune` made sparse gives the densities of OBProxSG. They are compared with the
densities that a threshold on the weights of the original leaves (magnitude, at the same overall
density), and with the networks of OBProxSG's widths trained from scratch. Every network is trained
for the same number of steps with the same losses, distillation from the original included, and
scored on the held-out shots: python benchmarks/flow_compression.py --help
"""

import argparse
import copy
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from cdfi import weights
from cdfi.compression import Budget, density
from cdfi.compression.density import overall
from cdfi.design.architecture import compact, size_of
from cdfi.design.comparison import as_markdown, compare
from cdfi.design.distill import distillation
from cdfi.models import AnyNetwork
from cdfi.training.args import TrainArgs
from cdfi.training.loop import train
from cdfi.training.presets import PRESETS
from cdfi.training.sources import open_data

METHODS = ("OBProxSG", "magnitude", "scratch")
ROUND_TO = 8  # channels of a vector of a processor with AVX2


def arguments() -> argparse.Namespace:
    """Return the command line's arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("original", help="the trained network, a name or a file")
    parser.add_argument("pruned", help="the result of cdfi prune, a file")
    parser.add_argument("data", type=Path, help="a folder with clips/ and stills/")
    parser.add_argument("out", type=Path, help="the folder of the runs and the report")
    parser.add_argument("--ratios", type=float, nargs="+", default=[3, 5, 8, 12])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--crop", type=int, default=128)
    return parser.parse_args()


def thresholded(network: AnyNetwork, kept: float) -> AnyNetwork:
    """Return a copy that keeps this fraction of all convolution weights, the largest."""
    result = copy.deepcopy(network)
    filters = [m.weight.data for m in result.modules() if isinstance(m, nn.Conv2d)]
    sizes = torch.cat([x.abs().flatten() for x in filters]).sort(descending=True).values
    least = sizes[min(int(kept * len(sizes)), len(sizes) - 1)]
    for x in filters:
        x[x.abs() < least] = 0
    return result


def start(args: argparse.Namespace, method: str, ratio: float) -> AnyNetwork:
    """Return the smaller network of a method before it is trained again."""
    original, pruned = weights.load(args.original), weights.load(args.pruned)
    rows = density(pruned)
    if method == "magnitude":
        pruned = thresholded(original, overall(rows))
        rows = density(pruned)
    densities = {row.name: row.density for row in rows}
    budget = Budget(flops=int(size_of(original).flops / ratio))
    small = compact(pruned, densities, "mean", ROUND_TO, budget)[0]
    if method == "scratch":
        torch.manual_seed(0)
        return type(small)(small.config)
    return small


def recipe(args: argparse.Namespace) -> TrainArgs:
    """Return the training that all methods and sizes share."""
    data = (f"synthetic={args.data / 'stills'}:0.3", f"clips={args.data / 'clips'}:0.7")
    return replace(
        PRESETS["flow"],
        network="",
        data=data,
        crop=args.crop,
        batch=args.batch,
        steps=args.steps,
        motion=24.0,
        lr=7e-4,
        warmup=20,
        ema=0.98,
        he_init=False,
        validate_every=args.steps,
        out=str(args.out),
    )


def main() -> None:
    """Train what is not trained yet, and write the report."""
    args = arguments()
    common = recipe(args)
    networks: dict[str, str | Path] = {"original": args.original}
    for method in args.methods:
        for ratio in args.ratios:
            name = f"{method}-{ratio:g}"
            run = replace(common, run=name, weights=str(args.out / f"{name}-start.safetensors"))
            best = args.out / name / "best.safetensors"  # scored at the last step, and only there
            if not best.is_file():
                weights.save(start(args, method, ratio), run.weights, dtype=torch.float32)
                terms = distillation(weights.load(args.original), 0.5, 0.01)
                outcome = train(run, args.out / name if best.parent.exists() else None, None, terms)
                print(name, outcome.reason, outcome.best, flush=True)
                if outcome.reason != "finished":
                    raise SystemExit("interrupted: the same command continues")
            networks[f"{method}, 1/{ratio:g}"] = best
    entries = compare(networks, open_data(common).held_out, (), (640, 480), args.out)
    print(as_markdown(entries, (640, 480)))


if __name__ == "__main__":
    main()

"""How long is one training step (forward, loss, backward, optimizer), without its data?

python benchmarks/training_step.py [--network compressed-adacof] [--side 128] [--device cpu]
"""

import argparse
import json
import time
from statistics import median

import torch
from machine import machine

from cdfi.data.batch import Batch
from cdfi.models import NETWORKS, Network
from cdfi.training.losses.objective import Objective
from cdfi.training.losses.terms import parse_loss
from cdfi.training.optim.optimizers import build_optimizer
from cdfi.training.presets import PRESETS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", default="compressed-adacof", choices=NETWORKS)
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--guide", type=float, default=0.0, help="1: with guidance, 0: without")
    options = parser.parse_args()
    args = PRESETS["bundled"]
    device = torch.device(options.device)
    network = Network(NETWORKS[options.network]).to(device).to(memory_format=torch.channels_last)
    objective = Objective(network, parse_loss(args.loss), args)
    optimizer = build_optimizer(network, args, 1)
    batch = random_batch(options.batch, options.side, device)
    times = [step(objective, optimizer, batch, options.guide) for _ in range(options.steps + 3)][3:]
    result = {
        "question": __doc__.splitlines()[0],
        **vars(options),
        "median_seconds": median(times),
        "best_seconds": min(times),
        "samples_per_second": options.batch / median(times),
        "machine": machine(),
    }
    print(json.dumps(result, indent=2))


def random_batch(count: int, side: int, device: torch.device) -> Batch:
    shapes = [3, 3, 3, 2, 2, 1, 1]
    planes = (torch.rand(count, c, side, side, device=device) for c in shapes)
    return Batch(*planes, torch.full((count, 1, 1, 1), 0.5, device=device))


def step(
    objective: Objective, optimizer: torch.optim.Optimizer, batch: Batch, guide: float
) -> float:
    start = time.perf_counter()
    loss = objective(batch, guide)["loss"]
    loss.backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    if batch.middle.is_cuda:
        torch.cuda.synchronize()
    if not bool(torch.isfinite(loss)):
        raise SystemExit("nothing is reported: the loss is not finite")
    return time.perf_counter() - start


if __name__ == "__main__":
    main()

"""How fast are the CPU kernels of the cost volume compared with its definition in PyTorch?

Usage: python benchmarks/cost_volume_cpu.py [--repeats N]

Sizes are those of a training step of aligned-adacof (8 crops of 128 x 128). Prints JSON with median
seconds; reports nothing if the kernels differ from the definition.
"""

import argparse
import json
import time
from collections.abc import Callable
from statistics import median

import torch
from machine import machine
from torch import Tensor

from cdfi.models import NETWORKS
from cdfi.ops import cost_volume, cost_volume_reference

BATCH, SIDE = 8, 128
Volume = Callable[[Tensor, Tensor, int], Tensor]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    config = NETWORKS["aligned-adacof"]
    rows = []
    for level, (channels, radius) in enumerate(zip(config.describe, config.matching), 1):
        side = SIDE >> level
        pair = torch.randn(2, BATCH, channels, side, side).unbind(0)
        pair = [x.contiguous(memory_format=torch.channels_last).requires_grad_() for x in pair]
        check(pair, radius)
        row: dict[str, object] = {"stride": 2**level, "channels": channels, "radius": radius}
        for name, volume in (("kernel", cost_volume), ("definition", cost_volume_reference)):
            times = [measure(volume, pair, radius) for _ in range(arguments.repeats)]
            row[name] = {
                "forward": median(t for t, _ in times),
                "backward": median(t for _, t in times),
            }
        rows.append(row)
    result = {"question": __doc__.splitlines()[0], "rows": rows, "machine": machine()}
    print(json.dumps(result, indent=2))


def check(pair: list[Tensor], radius: int) -> None:
    ours, theirs = cost_volume(*pair, radius), cost_volume_reference(*pair, radius)
    gradients = [torch.autograd.grad(v.square().sum(), pair) for v in (ours, theirs)]
    for mine, true in ((ours.detach(), theirs.detach()), *zip(*gradients)):
        error = float((mine - true).abs().max() / true.abs().max())
        if error > 1e-4:
            raise SystemExit(
                f"nothing is reported: the kernel differs from its definition: {error}"
            )


def measure(volume: Volume, pair: list[Tensor], radius: int) -> tuple[float, float]:
    """Seconds forward, and backward."""
    start = time.perf_counter()
    result = volume(*pair, radius)
    between = time.perf_counter()
    torch.autograd.grad(result, pair, torch.ones_like(result))
    return between - start, time.perf_counter() - between


if __name__ == "__main__":
    main()

"""How much longer does a training step take on many GPUs? Arithmetic: gradient bytes, step time.

python benchmarks/training_scaling.py

After each step all GPUs add up their gradients: first those of a node over its own link, then the
nodes over the network. A ring sends 2 * (n - 1) / n of the bytes through every link, and each of
its 2 * (n - 1) rounds waits for one latency. DDP hides the exchange behind the backward pass, about
two thirds of a step, in buckets, so only what does not fit there is added.
"""

import argparse
import json
from itertools import product

BYTES = 4  # of a gradient
BACKWARD = 2 / 3  # of a step, in which gradients are exchanged already
GPUS = (8, 64, 512)
#: Millions of parameters, and seconds of a step measured on one H200 (docs/benchmarks.md).
MODELS = {
    "flow, batch 32": (0.55, 32 / 685),
    "compressed-adacof, batch 16": (2.45, 0.0481),
    "cdfi, batch 16": (4.98, 0.256),
}
IN_NODE = 8  # GPUs of a node
LINK, LINK_LATENCY = 200e9, 5e-6  # bytes and seconds: NVLink within a node
#: Networks between the nodes: bytes per second of a node, seconds of a round.
NETWORKS = {
    "1 Gbit Ethernet": (0.125e9, 50e-6),
    "10 Gbit Ethernet": (1.25e9, 30e-6),
    "100 Gbit InfiniBand": (12.5e9, 5e-6),
}


def ring(count: int, size: float, rate: float, latency: float) -> float:
    """Return the seconds in which ``count`` members add up ``size`` bytes."""
    return 2 * (count - 1) / count * size / rate + 2 * (count - 1) * latency


def exchange(gpus: int, size: float, rate: float, latency: float) -> float:
    """Return the seconds in which all GPUs add up ``size`` bytes."""
    nodes = max(gpus // IN_NODE, 1)
    local = ring(min(gpus, IN_NODE), size, LINK, LINK_LATENCY)
    return local + ring(nodes, size, rate, latency)


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    for (model, (parameters, step)), (name, link) in product(MODELS.items(), NETWORKS.items()):
        size = parameters * 1e6 * BYTES
        row: dict[str, object] = {"model": model, "gradient MB": round(size / 1e6, 1)}
        row |= {"step ms": round(1000 * step, 1), "network": name}
        for gpus in GPUS:
            seconds = exchange(gpus, size, *link)
            longer = step + max(seconds - BACKWARD * step, 0)
            row[f"{gpus}: exchange ms"] = round(1000 * seconds, 1)
            row[f"{gpus}: efficiency %"] = round(100 * step / longer)
        print(json.dumps(row))


if __name__ == "__main__":
    main()

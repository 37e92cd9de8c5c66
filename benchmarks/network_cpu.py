"""How much longer does a network take than its convolutions alone, and in which operations?

Usage: python benchmarks/network_cpu.py [--model M] [--size HxW] [--precision P] [--repeats N]
    [--give-back]

One profiled run gives both times, so that other work on the machine affects them alike; the median
ratio of several runs is reported. As in ``cdfi interpolate``, the process keeps the memory it
frees, except with --give-back. Prints JSON; reports nothing if the strips differ from the full
frame.
"""

import argparse
import json
from statistics import median

import torch
from machine import machine
from torch.profiler import ProfilerActivity, profile

from cdfi.common.allocator import keep_freed_memory
from cdfi.interpolation.memory import choose_tiling
from cdfi.interpolation.strips import middle_by_strips
from cdfi.models import NETWORKS, Network

CONVOLUTIONS = ("aten::mkldnn_convolution", "aten::_slow_conv2d_forward", "aten::cudnn_convolution")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="cdfi", choices=NETWORKS)
    parser.add_argument("--size", default="480x640")
    parser.add_argument("--precision", default="fp32", choices=("fp32", "bf16"))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--give-back", action="store_true", help="freed memory, to the system")
    arguments = parser.parse_args()
    height, width = map(int, arguments.size.split("x"))
    keeps = not arguments.give_back and keep_freed_memory()
    torch.manual_seed(0)
    network = Network(NETWORKS[arguments.model]).eval().to(memory_format=torch.channels_last)
    frames = torch.rand(2, 1, 3, height, width)
    half = torch.autocast("cpu", torch.bfloat16, enabled=arguments.precision == "bf16")
    with torch.inference_mode():
        check(network)
        with half:
            measure(network, frames)  # compiles, warms up
            runs = [measure(network, frames) for _ in range(arguments.repeats)]
    runs.sort(key=lambda run: run["ratio"])
    result = {
        "question": __doc__.splitlines()[0],
        "model": arguments.model,
        "size": arguments.size,
        "precision": arguments.precision,
        "keeps_freed_memory": keeps,
        "ratio_to_convolutions": median(run["ratio"] for run in runs),
        "runs": runs,
        "machine": machine(),
    }
    print(json.dumps(result, indent=2))


def check(network: Network) -> None:
    frames = torch.rand(2, 1, 3, 96, 64)
    error = (middle_by_strips(network, *frames, 32, 8) - network(*frames)).abs().max()
    if error > 1e-4:
        raise SystemExit(f"nothing is reported: strips differ from the whole frame by {error}")


def measure(network: Network, frames: torch.Tensor) -> dict[str, object]:
    """Return the seconds of one run in total, in convolutions, and in the slowest operations."""
    pieces = choose_tiling(network.config, *frames.shape[-2:], 1, budget=1 << 40)
    with profile(activities=[ProfilerActivity.CPU]) as record:
        middle_by_strips(network, *frames, pieces.chunk, pieces.strip)
    rows = {row.key: row.self_cpu_time_total / 1e6 for row in record.key_averages()}
    total = sum(rows.values())
    convolutions = sum(rows.get(name, 0.0) for name in CONVOLUTIONS)
    slowest = sorted(rows.items(), key=lambda row: -row[1])[:10]
    return {
        "seconds": total,
        "convolutions": convolutions,
        "ratio": total / convolutions,
        "operations": {name: round(seconds, 3) for name, seconds in slowest},
    }


if __name__ == "__main__":
    main()

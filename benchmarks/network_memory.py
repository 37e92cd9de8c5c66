"""How much memory does one frame take, and how close is the planner's estimate?

Usage: python benchmarks/network_memory.py [--model M] [--size HxW] [--chunk N] [--strip N] [--keep]

The growth of the process's resident peak over what it held before, with random weights (memory does
not depend on them). Prints JSON. Linux and macOS.
"""

import argparse
import json
import resource
import sys

import torch
from machine import machine

from cdfi.common.allocator import keep_freed_memory
from cdfi.interpolation.memory import CHUNK, STRIP, peak_bytes
from cdfi.interpolation.strips import middle_by_strips
from cdfi.models import NETWORKS, Network

#: Bytes in a unit of ru_maxrss.
UNIT = 1 if sys.platform == "darwin" else 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="cdfi", choices=NETWORKS)
    parser.add_argument("--size", default="1080x1920")
    parser.add_argument("--chunk", type=int, default=CHUNK)
    parser.add_argument("--strip", type=int, default=STRIP)
    parser.add_argument("--keep", action="store_true", help="freed memory, in the process")
    arguments = parser.parse_args()
    if arguments.keep and not keep_freed_memory():
        raise SystemExit("nothing is reported: freed memory cannot be kept here")
    height, width = map(int, arguments.size.split("x"))
    network = Network(NETWORKS[arguments.model]).eval().to(memory_format=torch.channels_last)
    with torch.inference_mode():
        middle_by_strips(network, *torch.rand(2, 1, 3, 64, 64))  # compiles
        frames = torch.rand(2, 1, 3, height, width)
        before = peak()
        middle = middle_by_strips(network, *frames, arguments.chunk, arguments.strip)
    if not middle.isfinite().all():
        raise SystemExit("nothing is reported: the frame is not finite")
    estimate = peak_bytes(network.config, height, width, arguments.chunk, arguments.strip)
    result = {
        "question": __doc__.splitlines()[0],
        **vars(arguments),
        "peak_gb": peak() / 1e9,
        "of_the_frame_gb": (peak() - before) / 1e9,
        "estimate_gb": estimate / 1e9,
        "machine": machine(),
    }
    print(json.dumps(result, indent=2))


def peak() -> int:
    """Return the peak resident memory of the process, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT


if __name__ == "__main__":
    main()

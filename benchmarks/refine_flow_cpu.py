"""How fast is the CPU kernel of flow refinement compared with its definition in PyTorch?

Usage: python benchmarks/refine_flow_cpu.py [--size HxW] [--repeats N]

With the levels of aligned-adacof. Prints JSON with median seconds; reports nothing if the kernel
differs from the definition.
"""

import argparse
import json

import torch
import torch.nn.functional as F
from machine import machine
from timing import seconds
from torch import Tensor

from cdfi.models import NETWORKS
from cdfi.ops import refine_flow, refine_flow_reference

LEVELS = NETWORKS["aligned-adacof"].refine


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="480x640")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    height, width = map(int, arguments.size.split("x"))
    torch.manual_seed(0)
    rough = torch.rand(2, 1, 3, height // 8, width // 8)
    frames = F.interpolate(rough.flatten(0, 1), (height, width), mode="bicubic").split(1)
    flow = F.interpolate(2 * torch.randn(1, 4, height // 16, width // 16), (height, width))
    check(frames, flow)
    result = {
        "question": __doc__.splitlines()[0],
        **vars(arguments),
        "kernel": seconds(lambda: refine_flow(*frames, flow, LEVELS), arguments.repeats),
        "definition": seconds(
            lambda: refine_flow_reference(*frames, flow, LEVELS), arguments.repeats
        ),
        "machine": machine(),
    }
    print(json.dumps(result, indent=2))


def check(frames: tuple[Tensor, ...], flow: Tensor) -> None:
    exact = (*(x.double() for x in frames), flow.double(), LEVELS)
    pairs = zip(refine_flow(*exact), refine_flow_reference(*exact))
    error = max(float((mine - true).abs().max()) for mine, true in pairs)
    if error > 1e-6:
        raise SystemExit(f"nothing is reported: the kernel differs from its definition: {error}")


if __name__ == "__main__":
    main()

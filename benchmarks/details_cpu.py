"""How fast is the CPU kernel of the details beside their definition in PyTorch?

Usage: python benchmarks/details_cpu.py [--size HxW] [--repeats N]

One side of a frame. Prints JSON, seconds being medians; refuses when the kernel differs from the
definition.
"""

import argparse
import json

import torch
from machine import machine
from timing import seconds
from torch import Tensor

from cdfi.interpolation.strip_inputs import FRAME_CHANNELS
from cdfi.ops import detail_bands_reference, details


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="480x640")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    height, width = map(int, arguments.size.split("x"))
    torch.manual_seed(0)
    frame = torch.rand(1, FRAME_CHANNELS, height, width).contiguous(
        memory_format=torch.channels_last
    )
    flow, gains = 4 * torch.randn(1, 2, height, width), torch.randn(1, 2, height, width)
    check(frame.double(), flow.double(), gains.double())
    result = {
        "question": __doc__.splitlines()[0],
        **vars(arguments),
        "kernel": seconds(lambda: details(frame, flow, gains), arguments.repeats),
        "definition": seconds(lambda: definition(frame, flow, gains), arguments.repeats),
        "machine": machine(),
    }
    print(json.dumps(result, indent=2))


def definition(frame: Tensor, flow: Tensor, gains: Tensor) -> Tensor:
    lost, fine = detail_bands_reference(frame, flow).chunk(2, 1)
    return gains[:, :1] * lost + gains[:, 1:] * fine


def check(frame: Tensor, flow: Tensor, gains: Tensor) -> None:
    error = (details(frame, flow, gains) - definition(frame, flow, gains)).abs().max()
    if error > 1e-9:
        raise SystemExit(f"nothing is reported: the kernel differs from its definition: {error}")


if __name__ == "__main__":
    main()

"""How fast is the CPU kernel of the details compared with their definition in PyTorch?

Usage: python benchmarks/details_cpu.py [--size HxW] [--repeats N]

One side of a frame. Prints JSON with median seconds; reports nothing if the kernel differs from the
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
    flow, band_weights = 4 * torch.randn(1, 2, height, width), torch.randn(1, 2, height, width)
    check(frame.double(), flow.double(), band_weights.double())
    result = {
        "question": __doc__.splitlines()[0],
        **vars(arguments),
        "kernel": seconds(lambda: details(frame, flow, band_weights), arguments.repeats),
        "definition": seconds(lambda: definition(frame, flow, band_weights), arguments.repeats),
        "machine": machine(),
    }
    print(json.dumps(result, indent=2))


def definition(frame: Tensor, flow: Tensor, band_weights: Tensor) -> Tensor:
    lost, fine = detail_bands_reference(frame, flow).chunk(2, 1)
    return band_weights[:, :1] * lost + band_weights[:, 1:] * fine


def check(frame: Tensor, flow: Tensor, band_weights: Tensor) -> None:
    error = (details(frame, flow, band_weights) - definition(frame, flow, band_weights)).abs().max()
    if error > 1e-9:
        raise SystemExit(f"nothing is reported: the kernel differs from its definition: {error}")


if __name__ == "__main__":
    main()

"""How long does a step of HSPG take compared with one of SGD, momentum and Adam?

python benchmarks/hspg.py [channels] [layers]: by default 34 convolutions of 256 channels, 20 M
parameters.
"""

import sys

import torch
from machine import print_relative_to_sgd
from obproxsg import AVERAGES, milliseconds
from torch import nn

from cdfi.compression import HSPG, channel_groups


def network(channels: int, layers: int, device: str) -> nn.Module:
    """Return convolutions of equal widths; each has a gradient."""
    convolutions = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(layers))
    model = nn.Sequential(*convolutions).to(device)
    for p in model.parameters():
        p.grad = torch.randn_like(p) * 0.01
    return model


def main(channels: int = 256, layers: int = 34) -> None:
    torch.set_num_threads(1)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = network(channels, layers, device)
    groups = channel_groups(model, (torch.rand(1, channels, 1, 1, device=device),))
    took = {}

    def measure(name: str, optimizer: torch.optim.Optimizer) -> None:
        milliseconds(optimizer, device, steps=3)  # the first ones allocate and compile
        took[name] = milliseconds(optimizer, device, steps=11)

    for name, options in AVERAGES.items():
        if name == "Adam":
            measure(name, torch.optim.Adam(model.parameters(), lr=1e-6))
        else:
            measure(name, torch.optim.SGD(model.parameters(), lr=1e-6, **options))
        for phase, epochs in (("proximal", float("inf")), ("half-space", 0)):
            optimizer = HSPG(
                model, groups, lr=1e-6, lambda_=1e-4, steps_per_epoch=1, prox_epochs=epochs,
                **options,
            )  # fmt: skip
            measure(f"{phase}, as {name}", optimizer)
    print_relative_to_sgd(__doc__, took)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

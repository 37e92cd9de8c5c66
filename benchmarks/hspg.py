"""How long a step of HSPG takes beside a step of SGD, on a network of 20 M parameters."""

import torch
from machine import print_relative_to_sgd
from obproxsg import milliseconds
from torch import nn

from cdfi.compression import HSPG, channel_groups


def network(device: str) -> nn.Module:
    """Return 34 convolutions of 256 channels; each has a gradient."""
    model = nn.Sequential(*(nn.Conv2d(256, 256, 3, padding=1) for _ in range(34))).to(device)
    for p in model.parameters():
        p.grad = torch.randn_like(p) * 0.01
    return model


def main() -> None:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    example = (torch.rand(1, 256, 1, 1, device=device),)
    took = {}
    model = network(device)
    for name, foreach in (("SGD", False), ("SGD foreach", True)):
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-6, foreach=foreach)
        milliseconds(optimizer, device, steps=3)  # the first of all runs is slower
        took[name] = milliseconds(optimizer, device)
    groups = channel_groups(model, example)
    for phase, epochs in (("proximal", float("inf")), ("half-space", 0)):
        for foreach in (False, True):
            optimizer = HSPG(
                model, groups, lr=1e-6, lambda_=1e-4, steps_per_epoch=1, prox_epochs=epochs,
                foreach=foreach,
            )  # fmt: skip
            took[f"{phase}{' foreach' if foreach else ''}"] = milliseconds(optimizer, device)
    print_relative_to_sgd(__doc__, took)


if __name__ == "__main__":
    main()

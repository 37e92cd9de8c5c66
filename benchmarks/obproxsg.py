"""How long does a step of OBProxSG take compared with one of SGD, on 20 M parameters?"""

import statistics
import time

import torch
from machine import print_relative_to_sgd
from torch import nn

from cdfi.compression.obproxsg import OBProxSG


def parameters(device: str) -> list[nn.Parameter]:
    """Return 34 parameters of 589,824 values: the widest layers of AdaCoF, 20 M in total."""
    shapes = [(256, 256, 3, 3)] * 34
    created = [nn.Parameter(torch.randn(shape, device=device) * 0.01) for shape in shapes]
    for p in created:
        p.grad = torch.randn_like(p) * 0.01
    return created


def milliseconds(optimizer: torch.optim.Optimizer, device: str, steps: int = 21) -> float:
    """Median time of a step, in milliseconds."""
    times = []
    for _ in range(steps):
        start = time.perf_counter()
        optimizer.step()
        if device == "cuda":
            torch.cuda.synchronize()
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times)


def check(device: str) -> None:
    """Exit unless a proximal step descends, then shrinks by lr * lambda."""
    (weight, *_), lr, lambda_ = parameters(device), 1e-2, 1e-1
    assert weight.grad is not None
    moved = weight.detach() - lr * weight.grad
    expected = moved.sign() * (moved.abs() - lr * lambda_).clamp_min(0)
    OBProxSG([weight], lr, lambda_, steps_per_epoch=1, prox_epochs=1000).step()
    if not torch.allclose(weight, expected, atol=1e-7):
        raise SystemExit("nothing is reported: the proximal step differs from its definition")


def main() -> None:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    cases = {
        "SGD": torch.optim.SGD(parameters(device), lr=1e-4),
        "SGD foreach": torch.optim.SGD(parameters(device), lr=1e-4, foreach=True),
        "proximal": OBProxSG(parameters(device), 1e-4, 1e-4, steps_per_epoch=1, prox_epochs=1000),
        "orthant": OBProxSG(parameters(device), 1e-4, 1e-4, steps_per_epoch=1, prox_epochs=0),
    }
    check(device)
    milliseconds(cases["SGD"], device)  # the first of all runs is slower
    took = {name: milliseconds(optimizer, device) for name, optimizer in cases.items()}
    print_relative_to_sgd(__doc__, took)


if __name__ == "__main__":
    main()

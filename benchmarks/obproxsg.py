"""How long does a step of OBProxSG take compared with one of SGD, on 20 M parameters?"""

import statistics
import time
from collections.abc import Iterator
from typing import Any

import torch
from machine import print_relative_to_sgd
from torch import nn

from cdfi.compression.obproxsg import OBProxSG

#: Averages of gradients that the optimizers have, as options of OBProxSG and HSPG.
AVERAGES: dict[str, dict[str, Any]] = {
    "SGD": {},
    "SGD momentum": {"momentum": 0.9},
    "Adam": {"betas": (0.9, 0.999)},
}


def parameters(device: str) -> list[nn.Parameter]:
    """Return 34 parameters of 589,824 values: the widest layers of AdaCoF, 20 M in total."""
    shapes = [(256, 256, 3, 3)] * 34
    created = [nn.Parameter(torch.randn(shape, device=device) * 0.01) for shape in shapes]
    for p in created:
        p.grad = torch.randn_like(p) * 0.01
    return created


def milliseconds(optimizer: torch.optim.Optimizer, device: str, steps: int = 21) -> float:
    """Median time of a step, in milliseconds; on a CPU, the processor's time of one thread."""
    clock = time.perf_counter if device == "cuda" else time.process_time
    times = []
    for _ in range(steps):
        start = clock()
        optimizer.step()
        if device == "cuda":
            torch.cuda.synchronize()
        times.append((clock() - start) * 1e3)
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
    torch.set_num_threads(1)
    check(device)
    weights = parameters(device)
    took = {}
    for name, optimizer in cases(weights):
        milliseconds(optimizer, device, steps=3)  # the first ones allocate and compile
        took[name] = milliseconds(optimizer, device)
    print_relative_to_sgd(__doc__, took)


def cases(weights: list[nn.Parameter]) -> Iterator[tuple[str, torch.optim.Optimizer]]:
    """Yield the optimizers of torch, and ours in both phases, with the same averages."""
    for name, options in AVERAGES.items():
        if name == "Adam":
            yield name, torch.optim.Adam(weights, lr=1e-6)
        else:
            yield name, torch.optim.SGD(weights, lr=1e-6, **options)
        for phase, epochs in (("proximal", 1000), ("orthant", 0)):
            yield (
                f"{phase}, as {name}",
                OBProxSG(weights, 1e-6, 1e-4, steps_per_epoch=1, prox_epochs=epochs, **options),
            )


if __name__ == "__main__":
    main()

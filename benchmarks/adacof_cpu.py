"""How much faster is AdaCoF than its reference on this CPU? Prints JSON.

python benchmarks/adacof_cpu.py [--repeats 5] [--quick]
"""

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass

import torch
from machine import machine
from timing import seconds
from torch import Tensor

from cdfi.ops import adacof, adacof_reference


@dataclass(frozen=True)
class Case:
    """One shape of the operation."""

    kernel: int
    dilation: int
    channels: int
    batch: int
    height: int
    width: int

    def arguments(self, scale: int = 1) -> tuple[Tensor, ...]:
        """Random channels-last tensors with offsets of about 2 pixels, ``scale`` times smaller."""
        random = torch.Generator().manual_seed(0)
        height, width = self.height // scale, self.width // scale
        pad = (self.kernel - 1) * self.dilation
        image = torch.rand(self.batch, self.channels, height + pad, width + pad, generator=random)
        shape = (self.batch, self.kernel**2, height, width)
        weight, *offsets = (torch.randn(shape, generator=random) for _ in range(3))
        tensors = (image, weight.softmax(1), *(2 * offset for offset in offsets))
        return tuple(t.contiguous(memory_format=torch.channels_last) for t in tensors)


CASES = [
    Case(kernel=5, dilation=1, channels=3, batch=1, height=480, width=640),
    Case(kernel=5, dilation=1, channels=3, batch=8, height=128, width=128),
    Case(kernel=11, dilation=2, channels=63, batch=1, height=480, width=640),
]


def check(case: Case) -> None:
    """Exit if values or gradients are wrong on a small version of the case."""
    tensors = tuple(t.requires_grad_() for t in case.arguments(scale=16))
    results = []
    for operation in (adacof, adacof_reference):
        result = operation(*tensors, dilation=case.dilation)
        results.append([result, *torch.autograd.grad(result.square().sum(), tensors)])
    for ours, theirs in zip(*results):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)


def gradients(case: Case, tensors: tuple[Tensor, ...], wanted: slice, repeats: int) -> float:
    """Return the seconds of the backward pass to the tensors of ``wanted``."""
    inputs = [t.detach().clone() for t in tensors]
    chosen = [t.requires_grad_() for t in inputs[wanted]]
    result = adacof(*inputs, dilation=case.dilation)
    grad = torch.ones_like(result)
    return seconds(lambda: torch.autograd.grad(result, chosen, grad, retain_graph=True), repeats)


def measure(case: Case, repeats: int, quick: bool) -> dict[str, object]:
    """Return all timings of one case, in seconds."""
    check(case)
    tensors = case.arguments()
    forward = seconds(lambda: adacof(*tensors, dilation=case.dilation), repeats)
    row: dict[str, object] = {
        **asdict(case),
        "forward": forward,
        "backward_maps": gradients(case, tensors, slice(1, 4), repeats),
        "backward_input": gradients(case, tensors, slice(0, 1), repeats),
    }
    if not quick:
        start = time.perf_counter()
        adacof_reference(*tensors, dilation=case.dilation)
        reference = time.perf_counter() - start
        row |= {"reference": reference, "times_faster": reference / forward}
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="without the slow reference")
    args = parser.parse_args()
    rows = [measure(case, args.repeats, args.quick) for case in CASES]
    json.dump({"machine": machine(), "cases": rows}, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()

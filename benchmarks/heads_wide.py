"""Is one wide first convolution for all heads faster than one for each?

Usage: python benchmarks/heads_wide.py [--model M] [--size HxW] [--repeats N]

The heads read the same features, so their first convolutions can be one; the second ones then read
slices of its output. Prints JSON: milliseconds of the first layers, and of the first two, for both
variants; reports nothing if their results differ.
"""

import argparse
import json
from collections.abc import Callable

import torch
import torch.nn.functional as F
from machine import machine
from timing import seconds
from torch import Tensor, nn

from cdfi.models import NETWORKS, Network
from cdfi.models.network import Head

Layers = list[nn.Conv2d]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="cdfi", choices=NETWORKS)
    parser.add_argument("--size", default="480x640")
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    height, width = map(int, arguments.size.split("x"))
    network = Network(NETWORKS[arguments.model]).eval().to(memory_format=torch.channels_last)
    first, second = _layers(network, 0), _layers(network, 2)
    shape = (1, first[0].in_channels, height // 2, width // 2)
    x = torch.rand(shape).to(memory_format=torch.channels_last)
    with torch.inference_mode():
        joined = torch.cat([layer.weight for layer in first])
        weight = joined.contiguous(memory_format=torch.channels_last)
        bias = torch.cat([layer.bias for layer in first if layer.bias is not None])

        def separate() -> list[Tensor]:
            return [F.relu_(layer(x)) for layer in first]

        def wide() -> list[Tensor]:
            y = F.relu_(F.conv2d(x, weight, bias, padding=1))
            return list(y.split([layer.out_channels for layer in first], 1))

        def two(one: Callable[[], list[Tensor]]) -> list[Tensor]:
            return [layer(y) for layer, y in zip(second, one())]

        if any(not torch.allclose(a, b, atol=1e-4) for a, b in zip(two(separate), two(wide))):
            raise SystemExit("nothing is reported: the results of the two variants differ")
        variants = {
            "first layers": (separate, wide),
            "two layers": (lambda: two(separate), lambda: two(wide)),
        }
        rows = {
            name: dict(zip(("separate", "wide"), (_time(run, arguments.repeats) for run in pair)))
            for name, pair in variants.items()
        }
    question = __doc__.splitlines()[0]
    result = {"question": question, "model": arguments.model, "size": arguments.size}
    print(json.dumps({**result, "milliseconds": rows, "machine": machine()}, indent=2))


def _layers(network: Network, index: int) -> Layers:
    """Return the hidden layer ``index`` of every head."""
    heads = (head for head in network.heads.values() if isinstance(head, Head))
    return [layer for head in heads if isinstance(layer := head.hidden[index], nn.Conv2d)]


def _time(run: Callable[[], list[Tensor]], repeats: int) -> float:
    """Return the median milliseconds."""
    return round(seconds(run, repeats) * 1e3, 1)


if __name__ == "__main__":
    main()

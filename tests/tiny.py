"""Networks small enough for a test: every part is there, with a few channels each."""

from dataclasses import replace

import torch

from cdfi.models import Config, FlowConfig, Network

_TRIPLE = (3, 2, 4)

TINY = Config(
    kernel=3,
    dilation=2,
    encoder=((2, 3, 2), (3, 2, 4), (2, 3, 3), (4, 2, 3), (3, 3, 2)),
    decoder=((3, 2, 4), (2, 3, 2), (4, 2, 3), (3, 2, 2)),
    weight0=_TRIPLE,
    alpha0=_TRIPLE,
    beta0=_TRIPLE,
    weight1=_TRIPLE,
    alpha1=_TRIPLE,
    beta1=_TRIPLE,
    occlusion=_TRIPLE,
)

TINY_SYNTHESIS = replace(TINY, blend=_TRIPLE, pyramid=(1, 2, 1, 2, 1), grid=(3, 4, 2), dilation=1)

TINY_MATCHING = replace(TINY, matching=(1, 2), describe=(4, 3))

TINY_REFINED = replace(TINY, refine=2, flow=(3,), compare=(4, 2))

TINY_DETAILED = replace(TINY_REFINED, detail=(3, 2, 4))

TINY_FLOW = FlowConfig((2, 3), (3, 4, 4), radius=1, width=4, blocks=1, hidden=2, synthesis=4, low=4)


def tiny_network(config: Config = TINY, seed: int = 0, gain: float = 1.0) -> Network:
    """A network of fixed random weights; ``gain`` makes its offsets longer."""
    torch.manual_seed(seed)
    network = Network(config).eval()
    with torch.no_grad():
        for name, head in network.heads.items():
            if name.startswith(("alpha", "beta")):
                head.last.weight.mul_(gain)
    return network

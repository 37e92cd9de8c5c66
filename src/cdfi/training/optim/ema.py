"""A running average of a network's weights, which a run validates and saves."""

from copy import deepcopy

import torch
from torch import Tensor, nn

from cdfi.models import AnyNetwork


class WeightAverage:
    """The exponential moving average of a network's parameters, as a second network.

    Args:
        network: its present weights start the average.
        decay: weight of the old average at each step, after the first steps; 0 follows the network.
    """

    def __init__(self, network: AnyNetwork, decay: float) -> None:
        self.network = deepcopy(network).eval().requires_grad_(False)
        self._decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Add the weights after step ``step`` (from 0); early steps have a higher weight."""
        decay = min(self._decay, (step + 1) / (step + 10))
        mine: list[Tensor] = list(self.network.parameters())
        torch._foreach_lerp_(mine, list(network.parameters()), 1 - decay)

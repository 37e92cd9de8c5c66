"""Layers that have died: nothing they compute is ever positive, so nothing goes on from there."""

import numpy as np
import torch
from torch import Tensor, nn

from cdfi.models import Network
from cdfi.training.validate import predict


def silent_layers(network: Network, triplets: np.ndarray, device: torch.device) -> list[str]:
    """The names of convolutions whose ReLU lets nothing through on any of these frames.

    A U-Net goes on without what lies behind such a layer, and its loss need not show it: each skip
    is a way around. No gradient comes to it any more, so that it never recovers by itself.

    Args:
        network: on ``device``.
        triplets: uint8 (M, 3, H, W, 3).
        device: where to compute.
    """
    fires: dict[str, bool] = {}
    names = {layer: name for name, layer in network.named_modules()}

    def seen(layer: nn.Module, _: object, result: Tensor) -> None:
        fires[names[layer]] = fires.get(names[layer], False) or bool((result > 0).any())

    hooks = [m.register_forward_hook(seen) for m in network.modules() if type(m) is nn.ReLU]
    try:
        predict(network, triplets, device)
    finally:
        for hook in hooks:
            hook.remove()
    return [_before(name) for name, fired in fires.items() if not fired]


def _before(name: str) -> str:
    """The layer in front of one, in a sequence that counts them."""
    sequence, _, place = name.rpartition(".")
    return f"{sequence}.{int(place) - 1}"

"""Dead layers: convolutions whose ReLU is zero for every input."""

import numpy as np
import torch
from torch import Tensor, nn

from cdfi.models import AnyNetwork
from cdfi.training.validate import predict


def find_dead_layers(network: AnyNetwork, triplets: np.ndarray, device: torch.device) -> list[str]:
    """Return the names of convolutions whose ReLU is zero on all of these frames.

    A U-Net computes on without such a layer, since each skip connection bypasses it, so the loss
    need not show it. No gradient reaches the layer any more: it does not recover by itself.

    Args:
        network: on ``device``.
        triplets: uint8 (M, 3, H, W, 3).
        device: where to compute.
    """
    fires: dict[str, bool] = {}
    names = {layer: name for name, layer in network.named_modules()}

    def record(layer: nn.Module, _: object, result: Tensor) -> None:
        fires[names[layer]] = fires.get(names[layer], False) or bool((result > 0).any())

    hooks = [m.register_forward_hook(record) for m in network.modules() if type(m) is nn.ReLU]
    try:
        predict(network, triplets, device)
    finally:
        for hook in hooks:
            hook.remove()
    return [_layer_before(name) for name, fired in fires.items() if not fired]


def _layer_before(name: str) -> str:
    """Return the name of the layer before ``name`` in its ``nn.Sequential``."""
    sequence, _, index = name.rpartition(".")
    return f"{sequence}.{int(index) - 1}"

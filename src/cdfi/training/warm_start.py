"""A network that starts from the weights of a similar one."""

from collections.abc import Mapping

import torch
from torch import Tensor

from cdfi.models import Config, Network
from cdfi.models.config import MAP_HEADS

_NEW_TAP = -6.0  # its logit: e^-6 of a tap that was there; small, but it learns


@torch.no_grad()
def copy_overlap(network: Network, state: Mapping[str, Tensor], config: Config) -> int:
    """Copy another network's weights as far as shapes overlap; how many tensors took some.

    What has no counterpart keeps its fresh values. Channels that only this network has are computed
    but count for nothing at first where they come in: a network that is wider everywhere starts as
    the same function, and what it has more of learns from the first step. A larger kernel takes
    over what a smaller one samples (see :func:`copy_taps`); a smaller one starts with fresh taps.

    Args:
        network: takes the weights.
        state: of the other network.
        config: its architecture.
    """
    copied = 0
    for name, own in network.state_dict().items():
        other = state.get(name)
        if other is None or other.ndim != own.ndim or _is_of_taps(name, network.config, config):
            continue
        block = tuple(slice(min(a, b)) for a, b in zip(own.shape, other.shape))
        own[block] = other[block].to(own.dtype)
        if own.ndim == 4:
            own[:, other.shape[1] :] = 0
        copied += 1
    grown = network.config.kernel > config.kernel or (
        network.config.kernel == config.kernel and network.config.dilation != config.dilation
    )
    return copied + (copy_taps(network, state, config) if grown else 0)


@torch.no_grad()
def copy_taps(network: Network, state: Mapping[str, Tensor], config: Config) -> int:
    """Let the middle taps of a larger kernel sample what a smaller kernel sampled.

    Tap i of an axis becomes tap ``i + (K' - K) / 2``, and the bias of its offset makes up for the
    place it moved to. The other taps start near a weight of 0 and at their own places.

    Args:
        network: takes the last layers of the map heads.
        state: of the other network.
        config: its architecture, with a kernel that is not larger.

    Returns:
        How many tensors took values.
    """
    taps, moved_y, moved_x = _middle_taps(config, network.config)
    moved = {"alpha": moved_y, "beta": moved_x}
    own_state = network.state_dict()
    found = [head for head in MAP_HEADS if f"heads.{head}.last.weight" in state]
    for head in found:
        filters, bias = (own_state[f"heads.{head}.last.{part}"] for part in ("weight", "bias"))
        old, old_bias = (state[f"heads.{head}.last.{part}"] for part in ("weight", "bias"))
        hidden = min(old.shape[1], filters.shape[1])
        filters.zero_()
        bias.fill_(_NEW_TAP if head.startswith("weight") else 0.0)
        filters[taps, :hidden] = old[:, :hidden].to(filters.dtype)
        bias[taps] = old_bias.to(bias.dtype) + moved.get(head[:-1], torch.zeros(len(taps)))
    return 2 * len(found)


def _is_of_taps(name: str, own: Config, other: Config) -> bool:
    """Whether a tensor's channels are taps of kernels that differ."""
    same = (own.kernel, own.dilation) == (other.kernel, other.dilation)
    return not same and any(name.startswith(f"heads.{head}.last.") for head in MAP_HEADS)


def _middle_taps(old: Config, new: Config) -> tuple[Tensor, Tensor, Tensor]:
    """Each old tap's place among the new ones, and how far back it must look: rows, columns."""
    place = torch.arange(old.kernel) + (new.kernel - old.kernel) // 2
    was = (torch.arange(old.kernel) - (old.kernel - 1) / 2) * old.dilation
    now = (place - (new.kernel - 1) / 2) * new.dilation
    rows, columns = torch.meshgrid(place, place, indexing="ij")
    move_y, move_x = torch.meshgrid(was - now, was - now, indexing="ij")
    return (rows * new.kernel + columns).flatten(), move_y.flatten(), move_x.flatten()

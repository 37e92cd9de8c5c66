"""Start a network from the weights of a similar one."""

from collections.abc import Mapping

import torch
from torch import Tensor

from cdfi.models import Config, Network
from cdfi.models.config import MAP_HEADS

_NEW_TAP = -6.0  # logit of a new tap: e^-6 of an old tap's weight, small but trainable


@torch.no_grad()
def copy_overlap(network: Network, state: Mapping[str, Tensor], config: Config) -> int:
    """Copy another network's weights as far as shapes overlap; return the number of tensors.

    Weights without a counterpart keep their initial values. Channels that only this network has
    are computed, but the weights that read them start at 0: a network that is wider everywhere
    starts as the same function, and the new channels learn from the first step. A larger kernel
    samples what the smaller one sampled (see :func:`copy_taps`); a smaller one gets new taps.

    Args:
        network: receives the weights.
        state: of the other network.
        config: the architecture of the other network.
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
    """Make the middle taps of a larger kernel sample what a smaller kernel sampled.

    Tap i of an axis becomes tap ``i + (K' - K) / 2``, and the bias of its offset compensates for
    its new position. The other taps start with a weight near 0 and an offset of 0.

    Args:
        network: receives the last layers of the map heads.
        state: of the other network.
        config: the architecture of the other network, with a kernel that is not larger.

    Returns:
        The number of tensors that received values.
    """
    taps, shift_y, shift_x = _middle_taps(config, network.config)
    shifts = {"alpha": shift_y, "beta": shift_x}
    own_state = network.state_dict()
    found = [head for head in MAP_HEADS if f"heads.{head}.last.weight" in state]
    for head in found:
        filters, bias = (own_state[f"heads.{head}.last.{part}"] for part in ("weight", "bias"))
        old, old_bias = (state[f"heads.{head}.last.{part}"] for part in ("weight", "bias"))
        hidden = min(old.shape[1], filters.shape[1])
        filters.zero_()
        bias.fill_(_NEW_TAP if head.startswith("weight") else 0.0)
        filters[taps, :hidden] = old[:, :hidden].to(filters.dtype)
        bias[taps] = old_bias.to(bias.dtype) + shifts.get(head[:-1], torch.zeros(len(taps)))
    return 2 * len(found)


def _is_of_taps(name: str, own: Config, other: Config) -> bool:
    """Return whether a tensor's channels are taps, and the kernels differ."""
    same = (own.kernel, own.dilation) == (other.kernel, other.dilation)
    return not same and any(name.startswith(f"heads.{head}.last.") for head in MAP_HEADS)


def _middle_taps(old: Config, new: Config) -> tuple[Tensor, Tensor, Tensor]:
    """Return the index of each old tap among the new ones, and its shift back: rows, columns."""
    index = torch.arange(old.kernel) + (new.kernel - old.kernel) // 2
    was = (torch.arange(old.kernel) - (old.kernel - 1) / 2) * old.dilation
    now = (index - (new.kernel - 1) / 2) * new.dilation
    rows, columns = torch.meshgrid(index, index, indexing="ij")
    shift_y, shift_x = torch.meshgrid(was - now, was - now, indexing="ij")
    return (rows * new.kernel + columns).flatten(), shift_y.flatten(), shift_x.flatten()

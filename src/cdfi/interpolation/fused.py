"""A network as a GPU computes it best: whole vectors of channels, weights in its precision."""

from collections.abc import Iterable, Sequence
from copy import deepcopy
from itertools import pairwise
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from cdfi.models.gridnet import Slope
from cdfi.models.network import Head, Network
from cdfi.ops.conv.op import convolved

#: Channels that tensor cores take at a time in half precision: others are copied to as many,
#: before and after each convolution.
LANES = 8


class Finished(nn.Conv2d):
    """A convolution together with the activation that follows it; for inference.

    Args:
        conv: whose weights, stride and padding it has.
        slope: of the activation, as of :func:`cdfi.ops.conv.op.convolved`.
        dtype: of the weights.
    """

    def __init__(self, conv: nn.Conv2d, slope: float, dtype: torch.dtype) -> None:
        super().__init__(1, 1, conv.kernel_size, conv.stride, conv.padding)  # type: ignore[arg-type]
        self.out_channels, self.in_channels = conv.weight.shape[:2]
        weight = conv.weight.detach().to(dtype).contiguous(memory_format=torch.channels_last)
        bias = None if conv.bias is None else conv.bias.detach().float()
        self.weight = nn.Parameter(weight, requires_grad=False)
        self.bias = None if bias is None else nn.Parameter(bias, requires_grad=False)
        self.slope = slope

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        where = {"stride": self.stride, "padding": self.padding}
        bias = bias if input.is_cuda or bias is None else bias.to(weight.dtype)
        return convolved(input, weight, bias, self.slope, **where)


@torch.no_grad()
def filled(network: Network, dtype: torch.dtype) -> Network:
    """A copy that gives the same frames, by convolutions that fit a GPU; for inference.

    The U-Net's and the heads' channels are filled up to multiples of ``LANES`` with such as are
    always 0. Convolutions, bias and activation are one step, and weights are stored in ``dtype``.

    Args:
        network: any of ours.
        dtype: of the weights: what autocast would turn them into at every frame.
    """
    copy = deepcopy(network).eval().requires_grad_(False)
    _fill(copy)
    for module in list(copy.modules()):
        if isinstance(module, Slope):
            module.fix()
    for sequence in [m for m in copy.modules() if isinstance(m, nn.Sequential)]:
        _pair_up(sequence, dtype)
    _replace(copy, dtype)
    return copy


class Entry(NamedTuple):
    """Where a layer's channels lie among the ``total`` that will come in."""

    places: Sequence[int]
    total: int


def _fill(network: Network) -> None:
    config = network.config
    out = [widths[-1] for widths in config.encoder]
    skips = out[:0:-1]
    entries = [Entry(range(6), 6), *map(_entry, out, config.volumes[1:])]  # the frames stay six
    for stage, entry in zip(network.encoder, entries):
        _stack(stage, entry)
    for project, width in zip(network.project, out):
        _widen(project, _entry(width))
    for stage, width in zip(network.decoder, [out[-1], *skips]):
        _stack(stage, _entry(width))
    for stage, widths in zip(network.upsample, config.decoder):
        _stack(stage, _entry(widths[-1]))
    for head in network.heads.values():
        assert isinstance(head, Head)
        width = head.last.in_channels
        _stack(head.hidden, _entry(skips[-1]))
        _stack([head.last], _entry(width))
    if (refinement := network.refinement) is not None:
        _stack(refinement.flow[:-1], _entry(skips[-1]))
        _widen(refinement.flow[-1], _entry(config.flow[-1]))
        _stack(refinement.compare, _entry(skips[-1], 10))
    if (synthesis := network.synthesis) is not None:
        last = synthesis.last
        entry = Entry(range(config.grid[0]), config.grid[0])
        _stack(last.body, entry)
        _stack([last.skip], entry)


def full(channels: int) -> int:
    """Channels rounded up to whole vectors."""
    return -(-channels // LANES) * LANES


def _entry(channels: int, others: int = 0) -> Entry:
    """Channels that have been filled up, and others behind them."""
    start = full(channels)
    return Entry([*range(channels), *range(start, start + others)], start + others)


def _stack(layers: nn.Module | Iterable[nn.Module], entry: Entry) -> None:
    """Fill the convolutions of a sequence, inside and at its end."""
    for layer in cast(Iterable[nn.Module], layers):
        if isinstance(layer, nn.Conv2d):
            width = layer.out_channels
            _widen(layer, entry, full(width))
            entry = _entry(width)


def _widen(layer: nn.Module, entry: Entry, out: int | None = None) -> None:
    """Give a convolution channels that are 0, so that ``out`` come out; by default as before."""
    conv = cast(nn.Conv2d, layer)
    width = conv.out_channels
    conv.in_channels, conv.out_channels = entry.total, out or width
    weight = conv.weight.new_zeros(conv.out_channels, entry.total, *conv.kernel_size)
    weight[:width, list(entry.places)] = conv.weight
    conv.weight = nn.Parameter(weight, requires_grad=False)
    if conv.bias is not None:
        bias = conv.bias.new_zeros(conv.out_channels)
        bias[:width] = conv.bias
        conv.bias = nn.Parameter(bias, requires_grad=False)


def _pair_up(layers: nn.Sequential, dtype: torch.dtype) -> None:
    """Convolutions take over the activations behind them."""
    for (place, conv), (after, activation) in pairwise(list(layers.named_children())):
        slope = _slope(activation)
        if isinstance(conv, nn.Conv2d) and slope is not None:
            layers.register_module(place, Finished(conv, slope, dtype))
            layers.register_module(after, nn.Identity())


def _slope(layer: nn.Module) -> float | None:
    if isinstance(layer, Slope):
        return float(layer.weight)
    if isinstance(layer, nn.LeakyReLU):
        return float(layer.negative_slope)
    return 0.0 if isinstance(layer, nn.ReLU) else None


def _replace(module: nn.Module, dtype: torch.dtype) -> None:
    """The convolutions that have no activation behind them."""
    for name, child in list(module.named_children()):
        if isinstance(child, nn.Conv2d) and not isinstance(child, Finished):
            module.register_module(name, Finished(child, 1.0, dtype))
        else:
            _replace(child, dtype)

"""fuse_for_gpu: a network with padded channels, fused activations and half-precision weights."""

from collections.abc import Iterable, Sequence
from copy import deepcopy
from itertools import pairwise
from typing import NamedTuple, TypeGuard, TypeVar, cast

import torch
from torch import Tensor, nn

from cdfi.common.multiples import round_up
from cdfi.models.gridnet import PReLU
from cdfi.models.network import Head, Network
from cdfi.models.timed import TimedNetwork
from cdfi.ops.conv.op import conv_bias_act

#: Tensor cores need multiples of this many channels in half precision; other tensors are copied
#: before and after each convolution.
CHANNEL_MULTIPLE = 8

NetworkT = TypeVar("NetworkT", bound=Network | TimedNetwork)


class FusedConv2d(nn.Conv2d):
    """A convolution fused with the activation that follows it; for inference.

    Args:
        conv: the convolution, whose weights, stride and padding are taken.
        slope: of the (leaky) ReLU below zero; 1 is no activation.
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
        stride, padding = self.stride, self.padding
        bias = bias if input.is_cuda or bias is None else bias.to(weight.dtype)
        return conv_bias_act(input, weight, bias, self.slope, stride=stride, padding=padding)


@torch.no_grad()
def fuse_for_gpu(network: NetworkT, dtype: torch.dtype) -> NetworkT:
    """Return a copy for inference that computes the same frames faster on a GPU.

    The channels of U-Net and heads are zero-padded to multiples of ``CHANNEL_MULTIPLE``.
    Convolution, bias and activation are one step, and weights are stored in ``dtype``.

    Args:
        network: any of ours; the channels of a ``TimedNetwork`` are not padded.
        dtype: of the weights: the one into which autocast would convert them at every frame.
    """
    copy: nn.Module = deepcopy(network).eval().requires_grad_(False)
    if isinstance(copy, Network):
        _pad_network(copy)
    for module in list(copy.modules()):
        if isinstance(module, PReLU):
            module.freeze()
    for sequence in [m for m in copy.modules() if isinstance(m, nn.Sequential)]:
        _fuse_activations(sequence, dtype)
    _fuse_remaining(copy, dtype)
    return cast(NetworkT, copy)


class ChannelLayout(NamedTuple):
    """The indices of a layer's input channels among the ``total`` after padding."""

    indices: Sequence[int]
    total: int


def _pad_network(network: Network) -> None:
    """Zero-pad the channels inside U-Net, heads, refinement and the end of the synthesis."""
    config = network.config
    out = [widths[-1] for widths in config.encoder]
    skips = out[:0:-1]
    frames = ChannelLayout(range(6), 6)  # not padded
    layouts = [frames, *map(_padded_layout, out, config.volumes[1:])]
    for stage, layout in zip(network.encoder, layouts):
        _pad_stack(stage, layout)
    for project, width in zip(network.project, out):
        _pad_channels(project, _padded_layout(width))
    for stage, width in zip(network.decoder, [out[-1], *skips]):
        _pad_stack(stage, _padded_layout(width))
    for stage, widths in zip(network.upsample, config.decoder):
        _pad_stack(stage, _padded_layout(widths[-1]))
    for head in network.heads.values():
        assert isinstance(head, Head)
        width = head.last.in_channels
        _pad_stack(head.hidden, _padded_layout(skips[-1]))
        _pad_stack([head.last], _padded_layout(width))
    if (refinement := network.refinement) is not None:
        _pad_stack(refinement.flow[:-1], _padded_layout(skips[-1]))
        _pad_channels(refinement.flow[-1], _padded_layout(config.flow[-1]))
        _pad_stack(refinement.compare, _padded_layout(skips[-1], 10))
    if (synthesis := network.synthesis) is not None:
        last = synthesis.last
        layout = ChannelLayout(range(config.grid[0]), config.grid[0])
        _pad_stack(last.body, layout)
        _pad_stack([last.skip], layout)


def _padded_layout(channels: int, others: int = 0) -> ChannelLayout:
    """Return the layout of channels that were padded, followed by ``others`` that were not."""
    start = round_up(channels, CHANNEL_MULTIPLE)
    return ChannelLayout([*range(channels), *range(start, start + others)], start + others)


def _pad_stack(layers: nn.Module | Iterable[nn.Module], layout: ChannelLayout) -> None:
    """Pad the outputs of every convolution of a sequence, and the inputs accordingly."""
    for layer in cast(Iterable[nn.Module], layers):
        if isinstance(layer, nn.Conv2d):
            width = layer.out_channels
            _pad_channels(layer, layout, round_up(width, CHANNEL_MULTIPLE))
            layout = _padded_layout(width)


def _pad_channels(layer: nn.Module, layout: ChannelLayout, out: int | None = None) -> None:
    """Zero-pad a convolution to ``layout`` and to ``out`` channels (by default as before)."""
    conv = cast(nn.Conv2d, layer)
    width = conv.out_channels
    conv.in_channels, conv.out_channels = layout.total, out or width
    weight = conv.weight.new_zeros(conv.out_channels, layout.total, *conv.kernel_size)
    weight[:width, list(layout.indices)] = conv.weight
    conv.weight = nn.Parameter(weight, requires_grad=False)
    if conv.bias is not None:
        bias = conv.bias.new_zeros(conv.out_channels)
        bias[:width] = conv.bias
        conv.bias = nn.Parameter(bias, requires_grad=False)


def _fuse_activations(layers: nn.Sequential, dtype: torch.dtype) -> None:
    """Replace each convolution and the activation that follows it by a fused one."""
    for (index, conv), (after, activation) in pairwise(list(layers.named_children())):
        slope = _slope(activation)
        if _can_fuse(conv) and slope is not None:
            layers.register_module(index, FusedConv2d(conv, slope, dtype))
            layers.register_module(after, nn.Identity())


def _can_fuse(layer: nn.Module) -> TypeGuard[nn.Conv2d]:
    """Return whether ``layer`` is a plain convolution that is not fused yet."""
    if not isinstance(layer, nn.Conv2d) or isinstance(layer, FusedConv2d):
        return False
    return layer.groups == 1 and layer.dilation == (1, 1) and layer.padding_mode == "zeros"


def _slope(layer: nn.Module) -> float | None:
    if isinstance(layer, PReLU):
        return float(layer.weight)
    if isinstance(layer, nn.LeakyReLU):
        return float(layer.negative_slope)
    return 0.0 if isinstance(layer, nn.ReLU) else None


def _fuse_remaining(module: nn.Module, dtype: torch.dtype) -> None:
    """Replace the convolutions that no activation follows."""
    for name, child in list(module.named_children()):
        if _can_fuse(child):
            module.register_module(name, FusedConv2d(child, 1.0, dtype))
        else:
            _fuse_remaining(child, dtype)

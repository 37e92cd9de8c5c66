"""Derive the Config that follows from densities, and the compact network of a pruned one."""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import torch

from cdfi.compression.budget import Budget, Size
from cdfi.compression.derive import choose
from cdfi.compression.derived import size
from cdfi.compression.importance import importance_of_units
from cdfi.compression.regrow import regrow
from cdfi.compression.shrink import shrink
from cdfi.compression.tracing.call import Call, Rule
from cdfi.compression.tracing.elementwise import zeros
from cdfi.compression.tracing.graph import Graph
from cdfi.compression.tracing.reshaping import split_by_width
from cdfi.compression.tracing.trace import trace
from cdfi.compression.widths import WidthPlan
from cdfi.design.flow_widths import FLOW_RULES, PROTECTED, flow_config
from cdfi.models import AnyNetwork, Architecture, build_network
from cdfi.models.config import MAP_HEADS, Config, Widths
from cdfi.models.flow_config import FlowConfig
from cdfi.models.network import Network

#: Side of the square frames that a network is traced with.
SIDE = 64
#: Operations are counted for frames of 1280 x 720, which the U-Net sees as 1280 x 736.
FRAME = 1280 * 736


class Compact(NamedTuple):
    """A smaller architecture and its size. Operations are those of a 720p frame.

    Attributes:
        config: the architecture.
        factor: by which all densities were scaled to meet the budget.
        before: size of the original network.
        after: size of the smaller one.
    """

    config: Architecture
    factor: float
    before: Size
    after: Size


def derive(
    config: Architecture,
    densities: Mapping[str, float],
    rule: str = "min",
    round_to: int = 1,
    budget: Budget | None = None,
) -> Compact:
    """Return the architecture that follows from the densities of a pruned network.

    Channels with a fixed meaning (frames, taps, masks) are kept; layers that an addition joins,
    such as a skip connection, share one width.

    Args:
        config: the architecture that was pruned.
        densities: by layer name, "encoder.0.0" and so on; other layers keep their width.
        rule: "min", "max" or "mean": how layers that share a width agree.
        round_to: widths are rounded up to a multiple of this.
        budget: scale all densities by the one factor that meets it, in parameters or operations (of
            a 720p frame).

    Raises:
        ValueError: a density outside [0, 1], an unknown layer or rule, an impossible budget, or a
            budget of time or memory.
    """
    return _choose(config, width_plan(_zero_network(config)), densities, rule, round_to, budget)[0]


def compact(
    network: AnyNetwork,
    densities: Mapping[str, float],
    rule: str = "min",
    round_to: int = 1,
    budget: Budget | None = None,
) -> tuple[AnyNetwork, Compact]:
    """Return the network of the derived architecture, with the largest channels of this one.

    Dead channels are initialised again: see :func:`cdfi.compression.regrow.regrow`.

    Args:
        network: the pruned network.
        densities: as for :func:`derive`.
        rule: as for :func:`derive`.
        round_to: as for :func:`derive`.
        budget: as for :func:`derive`.

    Raises:
        ValueError: as :func:`derive`.
    """
    widths = width_plan(network)
    row, units = _choose(network.config, widths, densities, rule, round_to, budget)
    small = build_network(row.config)
    importance = importance_of_units(widths, network, "magnitude")
    state = shrink(network, widths.largest(units, importance)).state_dict()
    # If the two widths of a GridNet block have become equal, its skip has no layer any more.
    own = small.state_dict()
    small.load_state_dict({**own, **{key: state[key] for key in own if key in state}})
    regrow(small, _inputs(small), _protected(small.config), OURS)
    return small.to(next(network.parameters()).device), row


def size_of(network: AnyNetwork) -> Size:
    """Return the parameters, and the operations of the convolutions on a 720p frame."""
    widths = width_plan(network)
    return _per_frame(size(widths, widths.full()))


def width_plan(network: AnyNetwork) -> WidthPlan:
    """Return which channels of a network share a width."""
    graph = trace(network, _inputs(network), OURS)
    if isinstance(network, Network):
        for row in range(len(network.config.grid)):
            _one_width(graph, _grid_row(row))
        for level in range(len(network.config.describe)):
            _one_width(graph, (f"matching.describe.{level}.",))
    return WidthPlan(graph, _protected(network.config))


def _inputs(network: AnyNetwork) -> tuple[torch.Tensor | float, ...]:
    """Return what a network is traced with: two frames, and the instant if it takes one."""
    frame = torch.zeros(1, 3, SIDE, SIDE, device=next(network.parameters()).device)
    return (frame, frame, 0.5) if network.takes_time else (frame, frame)


def _protected(config: Architecture) -> tuple[str, ...]:
    """Return the layers whose outputs have a fixed meaning: the synthesis outputs a frame."""
    if isinstance(config, FlowConfig):
        return PROTECTED
    assert isinstance(config, Config)
    return ("synthesis.last",) if config.grid else ()


def _grid_row(row: int) -> tuple[str, ...]:
    """Return the prefixes of the blocks in one row of GridNet, hidden layers included."""
    parts = [f"lateral.{row}", f"down.{row - 1}", f"up.{row}", *(["first"] if row == 0 else [])]
    return tuple(f"synthesis.{part}." for part in parts)


def _one_width(graph: Graph, starts: tuple[str, ...]) -> None:
    """Merge the out-channels of layers that share one width in a Config."""
    outs = [ids for layer, ids in graph.outputs if layer.startswith(starts)]
    for ids in outs[1:]:
        graph.join(ids, outs[0])


def _zero_network(config: Architecture) -> AnyNetwork:
    """Return a network of zeros, without drawing random weights: enough to trace it."""
    with torch.device("meta"):
        network = build_network(config)
    network.to_empty(device="cpu")
    for tensor in (*network.parameters(), *network.buffers()):
        tensor.detach().zero_()
    return network


def _choose(
    config: Architecture,
    widths: WidthPlan,
    densities: Mapping[str, float],
    rule: str,
    round_to: int,
    budget: Budget | None,
) -> tuple[Compact, list[int]]:
    if budget is not None and (budget.milliseconds, budget.memory) != (None, None):
        raise ValueError(
            "an architecture is derived without a run: give a budget of parameters or flops, or "
            "derive the network with cdfi.compression.derive"
        )
    if budget is not None and budget.flops is not None:
        budget = budget._replace(flops=budget.flops * SIDE * SIDE // FRAME)
    units, factor = choose(widths, densities, rule, round_to, budget)
    before, after = (_per_frame(size(widths, u)) for u in (widths.full(), units))
    derived = flow_config if isinstance(config, FlowConfig) else _config
    return Compact(derived(config, widths, units), factor, before, after), units  # type: ignore[arg-type]


def _per_frame(found: Size) -> Size:
    return found._replace(flops=found.flops * FRAME // (SIDE * SIDE))


def _config(config: Config, widths: WidthPlan, units: list[int]) -> Config:
    """Return ``config`` with the out-channels of every convolution at these widths."""
    counts = widths.counts(units)

    def out(layer: str) -> int:
        return counts[f"{layer}.weight", 0]

    def triple(stack: str) -> Widths:
        return out(f"{stack}.0"), out(f"{stack}.2"), out(f"{stack}.4")

    heads = {name: triple(f"heads.{name}.hidden") for name in (*MAP_HEADS, "occlusion")}
    return replace(
        config,
        encoder=tuple(triple(f"encoder.{i}") for i in range(len(config.encoder))),
        decoder=tuple(triple(f"decoder.{i}") for i in range(len(config.decoder))),
        **heads,  # type: ignore[arg-type]
        blend=triple("heads.blend.hidden") if config.blend else None,
        detail=triple("heads.detail.hidden") if config.detail else None,
        pyramid=tuple(out(f"project.{i}") for i in range(len(config.pyramid))),
        flow=tuple(out(f"refinement.flow.{2 * i}") for i in range(len(config.flow))),
        compare=tuple(out(f"refinement.compare.{2 * i}") for i in range(len(config.compare))),
        describe=tuple(out(f"matching.describe.{i}.2") for i in range(len(config.describe))),
        grid=tuple(out(f"synthesis.lateral.{i}.0.body.1") for i in range(len(config.grid))),
    )


def _adacof(graph: Graph, call: Call) -> bool:
    """Pin the taps of the maps; every channel of the input is sampled separately."""
    for maps in call.args[1:4]:
        if taps := graph.channels_of(maps):
            graph.pin(taps.ids, "taps of a kernel")
    if channels := graph.channels_of(call.args[0]):
        graph.set_channels(call.result, -3, channels.ids, zeros(channels))
    return True


def _cost_volume(graph: Graph, call: Call) -> bool:
    """Record a sum over the descriptors' channels: zeros can be skipped."""
    for x in call.args[:2]:
        if channels := graph.channels_of(x):
            graph.add_zero_reader(channels.ids, channels.value == 0)
    return True


def _refine_flow(graph: Graph, call: Call) -> bool:
    """Pin the four channels of the flows to both frames."""
    if flow := graph.channels_of(call.args[2]):
        graph.pin(flow.ids, "the flows to both frames")
    return True


def _details(graph: Graph, call: Call) -> bool:
    """Pin the weights of the bands, one for each band and frame."""
    if band_weights := graph.channels_of(call.args[2]):
        graph.pin(band_weights.ids, "the weights of the bands")
    return True


#: Rules for tracing our networks: their operations, and splits that follow the Config.
OURS: dict[str, Rule] = {
    "adacof": _adacof,
    "cost_volume": _cost_volume,
    "refine_flow": _refine_flow,
    "details": _details,
    "split": split_by_width,
    **FLOW_RULES,
}

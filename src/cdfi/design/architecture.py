"""From densities to a Config, and from a pruned network to its compact one."""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import torch

from cdfi.compression.budget import Budget, Size
from cdfi.compression.derive import choose, size
from cdfi.compression.regrow import regrow
from cdfi.compression.shrink import shrink
from cdfi.compression.tracing.call import Call, Rule
from cdfi.compression.tracing.elementwise import zeros
from cdfi.compression.tracing.graph import Graph
from cdfi.compression.tracing.reshaping import split_by_width
from cdfi.compression.tracing.trace import trace
from cdfi.compression.widths import WidthPlan
from cdfi.models.config import MAP_HEADS, Config, Widths
from cdfi.models.network import Network

#: Side of the square frames a network is traced on.
SIDE = 64
#: Operations are counted for frames of 1280 x 720, which the U-Net sees as 1280 x 736.
FRAME = 1280 * 736


class Compact(NamedTuple):
    """A smaller architecture, and how it came about. Operations are those of a 720p frame."""

    config: Config
    factor: float  # all densities were scaled by this to meet the budget
    before: Size
    after: Size


def derive(
    config: Config,
    densities: Mapping[str, float],
    rule: str = "min",
    round_to: int = 1,
    budget: Budget | None = None,
) -> Compact:
    """The architecture that the densities of a pruned network ask for.

    What has a fixed meaning (frames, taps, masks) keeps its channels; layers joined by an
    addition, a skip say, share one width.

    Args:
        config: the architecture that was pruned.
        densities: by names of its layers, "encoder.0.0" and so on; others count as whole.
        rule: "min", "max" or "mean": how layers that share a width agree.
        round_to: widths are rounded up to a multiple of this.
        budget: scale all densities by the one factor that meets it (operations: of a 720p frame).

    Raises:
        ValueError: no density, an unknown layer or rule, or an impossible budget.
    """
    return _choose(config, plan(_hollow(config)), densities, rule, round_to, budget)[0]


def compact(
    network: Network,
    densities: Mapping[str, float],
    rule: str = "min",
    round_to: int = 1,
    budget: Budget | None = None,
) -> tuple[Network, Compact]:
    """The network of the architecture derived, begun with the largest channels of this one.

    Channels that do nothing are grown anew: see :func:`cdfi.compression.regrow.regrow`.

    Raises:
        ValueError: as :func:`derive`.
    """
    made = plan(network)
    row, units = _choose(network.config, made, densities, rule, round_to, budget)
    small = Network(row.config)
    state = shrink(network, made.largest(units)).state_dict()
    # Where the two widths of a GridNet block have become equal, its skip has no layer any more.
    own = small.state_dict()
    small.load_state_dict({**own, **{key: state[key] for key in own if key in state}})
    regrow(small, (torch.zeros(1, 3, SIDE, SIDE),) * 2, _protected(small.config), OURS)
    return small.to(next(network.parameters()).device), row


def size_of(network: Network) -> Size:
    """Parameters, and the operations of its convolutions on a 720p frame."""
    made = plan(network)
    return _per_frame(size(made, made.full()))


def plan(network: Network) -> WidthPlan:
    """Which channels of a network share a width."""
    frame = torch.zeros(1, 3, SIDE, SIDE, device=next(network.parameters()).device)
    graph = trace(network, (frame, frame), OURS)
    for row in range(len(network.config.grid)):
        _one_width(graph, _grid_row(row))
    for level in range(len(network.config.describe)):
        _one_width(graph, (f"matching.describe.{level}.",))
    return WidthPlan(graph, _protected(network.config))


def _protected(config: Config) -> tuple[str, ...]:
    """Layers whose outputs mean something: the synthesis makes a frame."""
    return ("synthesis.last",) if config.grid else ()


def _grid_row(row: int) -> tuple[str, ...]:
    """The blocks of a row of resolution of GridNet, hidden layers included."""
    parts = [f"lateral.{row}", f"down.{row - 1}", f"up.{row}", *(["first"] if row == 0 else [])]
    return tuple(f"synthesis.{part}." for part in parts)


def _one_width(graph: Graph, starts: tuple[str, ...]) -> None:
    """Layers whose names start so have one width in a Config."""
    outs = [ids for layer, ids in graph.outputs if layer.startswith(starts)]
    for ids in outs[1:]:
        graph.join(ids, outs[0])


def _hollow(config: Config) -> Network:
    """A network of zeros, made without drawing its weights: enough to follow its channels."""
    with torch.device("meta"):
        network = Network(config)
    network.to_empty(device="cpu")
    for tensor in (*network.parameters(), *network.buffers()):
        tensor.detach().zero_()
    return network


def _choose(
    config: Config,
    made: WidthPlan,
    densities: Mapping[str, float],
    rule: str,
    round_to: int,
    budget: Budget | None,
) -> tuple[Compact, list[int]]:
    if budget is not None and budget.flops is not None:
        budget = budget._replace(flops=budget.flops * SIDE * SIDE // FRAME)
    units, factor = choose(made, densities, rule, round_to, budget)
    before, after = (_per_frame(size(made, u)) for u in (made.full(), units))
    return Compact(_config(config, made, units), factor, before, after), units


def _per_frame(found: Size) -> Size:
    return found._replace(flops=found.flops * FRAME // (SIDE * SIDE))


def _config(config: Config, made: WidthPlan, units: list[int]) -> Config:
    """``config`` with the out-channels that every convolution has at these widths."""
    counts = made.counts(units)

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
    """The taps of the maps stay; every channel of the input is sampled by itself."""
    for maps in call.args[1:4]:
        if taps := graph.channels_of(maps):
            graph.pin(taps.ids, "taps of a kernel")
    if channels := graph.channels_of(call.args[0]):
        graph.set_channels(call.result, -3, channels.ids, zeros(channels))
    return True


def _cost_volume(graph: Graph, call: Call) -> bool:
    """Sums over the descriptors' channels, which do not miss zeros; its own are no layer's."""
    for x in call.args[:2]:
        if channels := graph.channels_of(x):
            graph.add_reader(channels.ids, channels.value == 0)
    return True


def _refine_flow(graph: Graph, call: Call) -> bool:
    """The ways to both frames stay four; where they lead is no layer's."""
    if flow := graph.channels_of(call.args[2]):
        graph.pin(flow.ids, "the ways to both frames")
    return True


def _details(graph: Graph, call: Call) -> bool:
    """The gains stay, one for each band of a frame, whose channels no layer has made."""
    if gains := graph.channels_of(call.args[2]):
        graph.pin(gains.ids, "the gains of the bands")
    return True


#: What a trace of our networks needs to know: their operations, and splits that follow the Config.
OURS: dict[str, Rule] = {
    "adacof": _adacof,
    "cost_volume": _cost_volume,
    "refine_flow": _refine_flow,
    "details": _details,
    "split": split_by_width,
}

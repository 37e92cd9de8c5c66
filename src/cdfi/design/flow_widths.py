"""Rules for tracing the widths of a flow network, and the FlowConfig of new widths."""

from dataclasses import replace

import torch

from cdfi.compression.tracing.call import Call, Rule
from cdfi.compression.tracing.elementwise import zeros
from cdfi.compression.tracing.graph import Graph
from cdfi.compression.widths import WidthPlan
from cdfi.models.flow_config import FlowConfig

#: Layers whose outputs have a fixed meaning: the motion, and the maps of the synthesis.
PROTECTED = ("estimator.delta", "synthesis.out")


def flow_config(config: FlowConfig, widths: WidthPlan, units: list[int]) -> FlowConfig:
    """Return ``config`` with the out-channels of every convolution at these widths."""
    counts = widths.counts(units)

    def out(layer: str) -> int:
        return counts[f"{layer}.weight", 0]

    return replace(
        config,
        fine=(out("encoder.fine.0.0"), out("encoder.fine.1.0")),
        coarse=(out("encoder.coarse.0.0"), out("encoder.coarse.1.0"), out("encoder.coarse.2")),
        width=out("estimator.enter.0"),
        hidden=out("estimator.hidden.0"),
        synthesis=out("synthesis.enter.0"),
        low=out("synthesis.low.0.0"),
    )


def _warp(graph: Graph, call: Call) -> bool:
    """Pin the flow and the sharpness; every channel of the image is sampled separately."""
    for maps in call.args[1:]:
        if components := graph.channels_of(maps):
            graph.pin(components.ids, "where and how an image is sampled")
    if channels := graph.channels_of(call.args[0]):
        graph.set_channels(call.result, -3, channels.ids, zeros(channels))
    return True


def _match_features(graph: Graph, call: Call) -> bool:
    """Keep the channels of both maps, and add those of the volume, which sums over them."""
    for flow in call.args[2:4]:
        if components := graph.channels_of(flow):
            graph.pin(components.ids, "where an image is sampled")
    maps = [graph.channels_of(features) for features in call.args[:2]]
    if maps[0] is None or maps[1] is None:
        return False
    for channels in maps:
        graph.add_zero_reader(channels.ids, channels.value == 0)  # type: ignore[union-attr]
    volume = graph.fresh(call.result.shape[1] - sum(len(m.ids) for m in maps if m))
    graph.pin(volume, "displacements of the cost volume")
    ids = torch.cat([*(m.ids for m in maps if m), volume])
    varying = torch.full((len(volume),), torch.nan)
    values = torch.cat([*(zeros(m) for m in maps if m), varying])
    graph.set_channels(call.result, -3, ids, values)
    return True


#: Rules for tracing the operations of flow networks.
FLOW_RULES: dict[str, Rule] = {
    "warp": _warp,
    "cubic_warp": _warp,
    "match_features": _match_features,
}

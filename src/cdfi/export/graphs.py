"""The computation of a network as one graph: padded frames in, one frame out."""

from typing import NamedTuple, cast

from torch import Tensor, nn

from cdfi.export.header import Padding
from cdfi.models import AnyNetwork, FlowNetwork, Network
from cdfi.models.flow_network import SMALLEST, size_multiple
from cdfi.models.network import MULTIPLE


class MiddleGraph(nn.Module):
    """The frame half-way between two frames."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, frame0: Tensor, frame1: Tensor) -> Tensor:
        """Return (N, 3, H, W); H and W are multiples of 32."""
        return self.network.predict(frame0, frame1).middle


class FlowGraph(nn.Module):
    """The frame at t between two frames, with a fixed number of levels."""

    def __init__(self, network: FlowNetwork, levels: int) -> None:
        super().__init__()
        self.network, self.levels = network, levels

    def forward(self, frame0: Tensor, frame1: Tensor, t: Tensor) -> Tensor:
        """Return (N, 3, H, W); H and W are multiples of ``size_multiple(levels)``."""
        features = self.network.features(frame0, frame1, self.levels)
        return self.network.predict(features, t).middle


class TracedGraph(NamedTuple):
    """A graph, and the frames for which it computes what the network does.

    Attributes:
        module: what is exported.
        multiple: frames are padded to multiples of this.
        padding: how.
        short_side: as in :class:`cdfi.export.Header`.
    """

    module: nn.Module
    multiple: int
    padding: Padding
    short_side: tuple[int, int | None] = (1, None)


def graph_of(network: AnyNetwork, height: int, width: int) -> TracedGraph:
    """Return the graph for frames of about this size.

    Raises:
        ValueError: networks of this class cannot be exported.
    """
    if isinstance(network, Network):
        return TracedGraph(MiddleGraph(network), MULTIPLE, "reflect")
    if not isinstance(network, FlowNetwork):
        raise ValueError(f"a {type(network).__name__} cannot be exported: there is no graph for it")
    if network.halvings != 0:
        raise ValueError(
            "expected a network that estimates motion at full size: set its scale to 1"
        )
    levels = network.level_count(height, width)
    low = 1 if levels == 1 else SMALLEST * cast(int, 2 ** (levels - 1))
    high = None if levels == network.config.levels else SMALLEST * cast(int, 2**levels) - 1
    return TracedGraph(FlowGraph(network, levels), size_multiple(levels), "replicate", (low, high))

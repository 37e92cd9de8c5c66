"""Estimate motion at a smaller size, for networks that sample the full frames afterwards."""

from cdfi.common.scales import HALVINGS, check_scale
from cdfi.models import AnyNetwork
from cdfi.models.flow_network import FlowNetwork


def set_scale(network: AnyNetwork, scale: str | float) -> None:
    """Let ``network`` estimate motion at ``scale`` of the size of its frames.

    Raises:
        ValueError: the scale is unknown, or the network has none to set.
    """
    name = check_scale(scale)
    if isinstance(network, FlowNetwork):
        network.halvings = HALVINGS[name]
    elif name not in ("1", "auto"):
        raise ValueError(
            "this network estimates motion at full size only: a scale needs the models flow or "
            "flow-wide"
        )

"""Networks and the architectures that have a name."""

from cdfi.models.architectures import ARCHITECTURES, NETWORKS
from cdfi.models.config import Config
from cdfi.models.families import AnyNetwork, build_network, config_from_json
from cdfi.models.flow_config import FlowConfig
from cdfi.models.flow_network import FlowNetwork
from cdfi.models.network import Network, Prediction
from cdfi.models.timed import Architecture, TimedNetwork
from cdfi.ops import Maps

__all__ = [
    "ARCHITECTURES",
    "NETWORKS",
    "AnyNetwork",
    "Architecture",
    "Config",
    "FlowConfig",
    "FlowNetwork",
    "Maps",
    "Network",
    "Prediction",
    "TimedNetwork",
    "build_network",
    "config_from_json",
]

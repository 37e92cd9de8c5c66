"""The one network, and the rows that are its architectures."""

from cdfi.models.architectures import NETWORKS
from cdfi.models.config import Config
from cdfi.models.network import Maps, Network, Prediction

__all__ = ["NETWORKS", "Config", "Maps", "Network", "Prediction"]

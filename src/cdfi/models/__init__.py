"""The one network, and the rows that are its architectures."""

from .config import NETWORKS, Config
from .network import Maps, Network, Parts

__all__ = ["NETWORKS", "Config", "Maps", "Network", "Parts"]

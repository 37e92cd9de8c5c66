"""Compression-driven design: prune, read the densities, derive the small network; for any model."""

from cdfi.compression.budget import Budget
from cdfi.compression.channel_groups import ChannelGroups, channel_groups
from cdfi.compression.density import Density, density, overall
from cdfi.compression.derive import Derived, derive, remove_zeros
from cdfi.compression.distillation import Distillation
from cdfi.compression.hspg import HSPG
from cdfi.compression.obproxsg import OBProxSG, ProxSG
from cdfi.compression.regrow import regrow
from cdfi.compression.saved import load, save

__all__ = [
    "HSPG",
    "Budget",
    "ChannelGroups",
    "Density",
    "Derived",
    "Distillation",
    "OBProxSG",
    "ProxSG",
    "channel_groups",
    "density",
    "derive",
    "load",
    "overall",
    "regrow",
    "remove_zeros",
    "save",
]

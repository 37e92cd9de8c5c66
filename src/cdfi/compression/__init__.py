"""Compression-driven design: prune, read the densities, derive the small network; for any model."""

from cdfi.compression.budget import Budget
from cdfi.compression.channel_groups import ChannelGroups, channel_groups
from cdfi.compression.density import Density, density, overall
from cdfi.compression.derive import derive
from cdfi.compression.derived import Derived
from cdfi.compression.distillation import Distillation
from cdfi.compression.hspg import HSPG
from cdfi.compression.iterative import pruning_steps
from cdfi.compression.measure import latency, peak_memory
from cdfi.compression.obproxsg import OBProxSG, ProxSG
from cdfi.compression.ranking import derive_by_importance
from cdfi.compression.regrow import regrow
from cdfi.compression.remove_zeros import remove_zeros
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
    "derive_by_importance",
    "latency",
    "load",
    "overall",
    "peak_memory",
    "pruning_steps",
    "regrow",
    "remove_zeros",
    "save",
]

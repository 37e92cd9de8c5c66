"""Compression-driven design: prune, read the densities, derive the small network; for any model."""

from cdfi.compression.budget import Budget
from cdfi.compression.density import Density, density, overall
from cdfi.compression.derive import Derived, derive, remove_zeros
from cdfi.compression.obproxsg import OBProxSG, ProxSG
from cdfi.compression.regrow import regrow
from cdfi.compression.saved import load, save

__all__ = [
    "Budget",
    "Density",
    "Derived",
    "OBProxSG",
    "ProxSG",
    "density",
    "derive",
    "load",
    "overall",
    "regrow",
    "remove_zeros",
    "save",
]

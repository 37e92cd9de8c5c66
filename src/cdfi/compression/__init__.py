"""Compression-driven design: prune, read the densities, derive the small network; for any model."""

from cdfi.compression.budget import Budget
from cdfi.compression.density import Density, density, overall
from cdfi.compression.derive import Derived, derive, remove_zeros
from cdfi.compression.obproxsg import OBProxSG, ProxSG
from cdfi.compression.regrow import regrow

__all__ = [
    "Budget",
    "Density",
    "Derived",
    "OBProxSG",
    "ProxSG",
    "density",
    "derive",
    "overall",
    "regrow",
    "remove_zeros",
]

"""Compression-driven design: prune, read the densities, derive the small network; for any model."""

from .budget import Budget
from .density import Density, density, overall
from .derive import Derived, derive, remove_zeros
from .obproxsg import OBProxSG, ProxSG
from .regrow import regrow

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

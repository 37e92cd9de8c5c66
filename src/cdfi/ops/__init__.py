"""The operations the networks are built on: the warp, and the comparison of two frames."""

from cdfi.ops.adacof import adacof, adacof_logits_strip, adacof_strip, shares
from cdfi.ops.cost_volume import cost_volume, cost_volume_reference
from cdfi.ops.reference import adacof_reference

__all__ = [
    "adacof",
    "adacof_logits_strip",
    "adacof_reference",
    "adacof_strip",
    "cost_volume",
    "cost_volume_reference",
    "shares",
]

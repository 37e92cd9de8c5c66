"""The operations of the networks: the warp, the comparison of two frames, their registration."""

from cdfi.ops.adacof import adacof, adacof_logits_strip, adacof_strip, shares
from cdfi.ops.cost_volume import cost_volume, cost_volume_reference
from cdfi.ops.details import detail_bands, detail_bands_reference, details
from cdfi.ops.reference import adacof_reference
from cdfi.ops.refine import refine_flow, refine_flow_reference

__all__ = [
    "adacof",
    "adacof_logits_strip",
    "adacof_reference",
    "adacof_strip",
    "cost_volume",
    "cost_volume_reference",
    "detail_bands",
    "detail_bands_reference",
    "details",
    "refine_flow",
    "refine_flow_reference",
    "shares",
]

"""The operations of the networks: the warp, the comparison of two frames, their registration."""

from cdfi.ops.adacof.op import adacof, adacof_logits_strip, adacof_strip, shares
from cdfi.ops.adacof.reference import adacof_reference
from cdfi.ops.cost_volume.op import cost_volume, cost_volume_reference
from cdfi.ops.details.op import detail_bands, detail_bands_reference, details
from cdfi.ops.refine_flow.op import refine_flow, refine_flow_reference

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

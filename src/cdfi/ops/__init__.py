"""The operations of the networks: the warp, the comparison of two frames, their registration."""

from cdfi.ops.adacof.op import adacof, adacof_logits_strip, adacof_strip, shares
from cdfi.ops.adacof.reference import adacof_reference
from cdfi.ops.cost_volume.op import cost_volume, cost_volume_reference
from cdfi.ops.cubic_warp.op import cubic_warp
from cdfi.ops.cubic_warp.reference import cubic_warp_reference
from cdfi.ops.details.op import detail_bands, detail_bands_reference, details
from cdfi.ops.match_features.op import match_features
from cdfi.ops.match_features.reference import match_features_reference
from cdfi.ops.refine_flow.op import refine_flow, refine_flow_reference
from cdfi.ops.warp.op import warp
from cdfi.ops.warp.reference import warp_reference

__all__ = [
    "adacof",
    "adacof_logits_strip",
    "adacof_reference",
    "adacof_strip",
    "cost_volume",
    "cost_volume_reference",
    "cubic_warp",
    "cubic_warp_reference",
    "detail_bands",
    "detail_bands_reference",
    "details",
    "match_features",
    "match_features_reference",
    "refine_flow",
    "refine_flow_reference",
    "shares",
    "warp",
    "warp_reference",
]

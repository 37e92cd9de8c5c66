"""Operations: adaptive warping, detail bands, cost volumes and flow refinement."""

from cdfi.ops.adacof.arguments import Maps
from cdfi.ops.adacof.op import adacof, adacof_rows, adacof_rows_from_logits
from cdfi.ops.adacof.reference import adacof_reference, tap_softmax
from cdfi.ops.cost_volume.op import cost_volume
from cdfi.ops.cost_volume.reference import cost_volume_reference
from cdfi.ops.cubic_warp.op import cubic_warp
from cdfi.ops.cubic_warp.reference import cubic_warp_reference
from cdfi.ops.details.op import detail_bands, details
from cdfi.ops.details.reference import detail_bands_reference, details_reference
from cdfi.ops.match_features.op import match_features
from cdfi.ops.match_features.reference import match_features_reference
from cdfi.ops.refine_flow.op import refine_flow
from cdfi.ops.refine_flow.reference import refine_flow_reference
from cdfi.ops.warp.op import warp
from cdfi.ops.warp.reference import warp_reference

__all__ = [
    "Maps",
    "adacof",
    "adacof_reference",
    "adacof_rows",
    "adacof_rows_from_logits",
    "cost_volume",
    "cost_volume_reference",
    "cubic_warp",
    "cubic_warp_reference",
    "detail_bands",
    "detail_bands_reference",
    "details",
    "details_reference",
    "match_features",
    "match_features_reference",
    "refine_flow",
    "refine_flow_reference",
    "tap_softmax",
    "warp",
    "warp_reference",
]

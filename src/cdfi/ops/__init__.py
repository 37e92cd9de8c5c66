"""Operations: adaptive warping, detail bands, cost volumes and flow refinement."""

from cdfi.ops.adacof.arguments import Maps
from cdfi.ops.adacof.op import adacof, adacof_rows, adacof_rows_from_logits
from cdfi.ops.adacof.reference import adacof_reference, tap_softmax
from cdfi.ops.cost_volume.op import cost_volume
from cdfi.ops.cost_volume.reference import cost_volume_reference
from cdfi.ops.details.op import detail_bands, details
from cdfi.ops.details.reference import detail_bands_reference, details_reference
from cdfi.ops.refine_flow.op import refine_flow
from cdfi.ops.refine_flow.reference import refine_flow_reference

__all__ = [
    "Maps",
    "adacof",
    "adacof_reference",
    "adacof_rows",
    "adacof_rows_from_logits",
    "cost_volume",
    "cost_volume_reference",
    "detail_bands",
    "detail_bands_reference",
    "details",
    "details_reference",
    "refine_flow",
    "refine_flow_reference",
    "tap_softmax",
]

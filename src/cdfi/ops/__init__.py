"""The warping operation the networks are built on."""

from cdfi.ops.adacof import adacof, adacof_logits_strip, adacof_strip, shares
from cdfi.ops.reference import adacof_reference

__all__ = ["adacof", "adacof_logits_strip", "adacof_reference", "adacof_strip", "shares"]

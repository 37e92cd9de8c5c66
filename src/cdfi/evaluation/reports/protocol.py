"""The protocol of a report: what its scores depend on."""

from collections.abc import Sequence

import torch

from cdfi.common.machine import describe_machine, versions
from cdfi.evaluation.columns import Metric
from cdfi.evaluation.methods.method import Method


def protocol(
    methods: Sequence[Method], metrics: Sequence[Metric], device: torch.device
) -> dict[str, object]:
    """Return the record of an evaluation: computation, versions and machine."""
    return {
        "prediction": "clamped and rounded to 8 bits (halves upward) before scoring",
        "padding": "networks pad right and bottom to a multiple of 32 by reflection, then crop",
        "average": "over images; a PSNR of infinity is left out and counted",
        "metrics": {metric.name: metric.protocol for metric in metrics},
        "precision": {method.name: method.precision for method in methods if method.precision},
        "versions": versions(),
        "machine": describe_machine(device),
    }

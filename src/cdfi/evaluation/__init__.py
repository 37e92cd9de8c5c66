"""Any method over any data set of triplets, scored under a recorded protocol."""

from cdfi.evaluation.datasets import DATASETS, DataSet, find
from cdfi.evaluation.methods import Method, baseline, network, predictions
from cdfi.evaluation.metrics import METRICS, Metric
from cdfi.evaluation.report import Average, Report
from cdfi.evaluation.scoring import Row, Scorer, Skipped

__all__ = [
    "DATASETS",
    "METRICS",
    "Average",
    "DataSet",
    "Method",
    "Metric",
    "Report",
    "Row",
    "Scorer",
    "Skipped",
    "baseline",
    "find",
    "network",
    "predictions",
]

"""Any method over any data set of triplets, scored under a recorded protocol."""

from cdfi.evaluation.columns import METRICS, Metric
from cdfi.evaluation.data.datasets import DATASETS, DataSet, find
from cdfi.evaluation.methods.method import Method, baseline, network, predictions
from cdfi.evaluation.reports.report import Average, Report
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

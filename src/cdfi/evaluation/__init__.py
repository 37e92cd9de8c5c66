"""Any method over any data set of triplets, scored under a recorded protocol."""

from cdfi.evaluation.columns import METRICS, Metric
from cdfi.evaluation.data.datasets import DATASETS, DataSet, find_dataset
from cdfi.evaluation.methods.method import (
    Method,
    baseline_method,
    find_method,
    folder_method,
    network_method,
)
from cdfi.evaluation.reports.report import EvaluationReport, MethodAverage
from cdfi.evaluation.scoring import Row, Scorer, Skipped

__all__ = [
    "DATASETS",
    "METRICS",
    "DataSet",
    "EvaluationReport",
    "Method",
    "MethodAverage",
    "Metric",
    "Row",
    "Scorer",
    "Skipped",
    "baseline_method",
    "find_dataset",
    "find_method",
    "folder_method",
    "network_method",
]

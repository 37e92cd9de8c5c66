"""Reports of scores: averages, JSON, CSV and Markdown."""

import csv
import io
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from statistics import fmean, median

from cdfi.evaluation.columns import Metric
from cdfi.evaluation.methods.method import Method
from cdfi.evaluation.scoring import Row, Skipped


@dataclass(frozen=True)
class MethodAverage:
    """A method over a data set.

    Attributes:
        scores: Metric to its mean over the images; an infinite PSNR (``exact`` images equal to
            their truth) is left out of the mean.
        seconds: Median time of a prediction; None where nothing was timed.
        images, skipped: How many were scored, and how many could not be.
    """

    method: str
    dataset: str
    scores: dict[str, float]
    seconds: float | None
    images: int
    skipped: int
    exact: int


@dataclass
class EvaluationReport:
    """The results of one evaluation.

    Attributes:
        metrics: The columns.
        methods: What was scored.
        protocol: What the scores depend on; see :mod:`cdfi.evaluation.reports.protocol`.
        rows, skipped: A row for each image.
    """

    metrics: Sequence[Metric]
    methods: Sequence[Method]
    protocol: dict[str, object]
    rows: list[Row] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)

    def add(self, row: Row | Skipped) -> None:
        """Append the result of one image."""
        if isinstance(row, Row):
            self.rows.append(row)
        else:
            self.skipped.append(row)

    def averages(self) -> list[MethodAverage]:
        """Return one average per data set and method, in the order of scoring."""
        outcomes: list[Row | Skipped] = [*self.rows, *self.skipped]
        pairs = dict.fromkeys((row.dataset, row.method) for row in outcomes)
        return [self._average(dataset, method) for dataset, method in pairs]

    def _average(self, dataset: str, method: str) -> MethodAverage:
        rows = [r for r in self.rows if (r.dataset, r.method) == (dataset, method)]
        skipped = sum((r.dataset, r.method) == (dataset, method) for r in self.skipped)
        scores = {m.name: _mean(row.scores[m.name] for row in rows) for m in self.metrics}
        seconds = [row.seconds for row in rows if row.seconds is not None]
        return MethodAverage(
            method=method,
            dataset=dataset,
            scores=scores,
            seconds=median(seconds) if seconds else None,
            images=len(rows),
            skipped=skipped,
            exact=sum(any(map(math.isinf, row.scores.values())) for row in rows),
        )

    def cells(self, average: MethodAverage) -> list[str]:
        """Return the cells of one row of a table, under :meth:`header`."""
        of = {method.name: method for method in self.methods}
        count = of[average.method].parameters
        scores = [format_score(metric, average.scores[metric.name]) for metric in self.metrics]
        return [
            average.dataset,
            average.method,
            *scores,
            "" if count is None else f"{count / 1e6:.2f} M",
            "" if average.seconds is None else f"{1000 * average.seconds:.0f} ms",
            str(average.images) + (f" (+{average.skipped} skipped)" if average.skipped else ""),
        ]

    def header(self) -> list[str]:
        """Return the titles above :meth:`cells`."""
        titles = [metric.title for metric in self.metrics]
        return ["Data set", "Method", *titles, "Parameters", "Time", "Images"]

    def to_json(self) -> str:
        """Return protocol, averages, rows and skipped images; infinite scores are "inf"."""
        return json.dumps(
            {
                "protocol": self.protocol,
                "averages": [_plain(asdict(average)) for average in self.averages()],
                "rows": [_plain(asdict(row)) for row in self.rows],
                "skipped": [asdict(row) for row in self.skipped],
            },
            indent=1,
        )

    def to_csv(self) -> str:
        """Return a line per scored image, and one with a reason per skipped image."""
        names = [metric.name for metric in self.metrics]
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["dataset", "method", "name", *names, "seconds", "skipped"])
        for row in self.rows:
            scores = [row.scores[name] for name in names]
            writer.writerow([row.dataset, row.method, row.name, *scores, row.seconds, ""])
        for gone in self.skipped:
            blank = [""] * (len(names) + 1)
            writer.writerow([gone.dataset, gone.method, gone.name, *blank, gone.reason])
        return text.getvalue()

    def to_markdown(self) -> str:
        """Return the table of averages, then the protocol as a list."""
        lines = [self.header(), ["---"] * len(self.header())]
        lines += [self.cells(average) for average in self.averages()]
        table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
        notes = "\n".join(f"- {key}: {one_line(value)}" for key, value in self.protocol.items())
        return f"{table}\n\n{notes}\n"


def format_score(metric: Metric, value: float) -> str:
    """Return ``value`` with the decimals of its metric."""
    return f"{value:.{metric.digits}f}"


def _mean(values: Iterable[float]) -> float:
    known = list(values)
    finite = [value for value in known if math.isfinite(value)]
    if finite:
        return fmean(finite)
    return math.inf if known else math.nan


def _plain(row: dict[str, object]) -> dict[str, object]:
    """Return ``row`` with scores that JSON can hold."""
    scores = row["scores"]
    assert isinstance(scores, dict)
    plain = {k: v if math.isfinite(v) else str(v) for k, v in scores.items()}
    return {**row, "scores": plain}


def one_line(value: object) -> str:
    """Return a part of the protocol on one line."""
    if isinstance(value, dict):
        return "; ".join(f"{key}: {one_line(inner)}" for key, inner in value.items())
    return str(value)

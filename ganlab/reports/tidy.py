"""The report for spreadsheets and scripts: one row a cell over all data sets, numbers in full."""

from ganlab.reports.averages import Cell
from ganlab.reports.comparison import hyperparameters
from ganlab.reports.metric_names import MetricKey
from ganlab.reports.report import Report
from ganlab.reports.table import Table, texts

COSTS = ("seconds", "images_per_second")
METRIC_PARTS = ("last_mean", "last_sd", "best_mean", "best_sd", "best_step", "n", "floor", "fingerprint")


def tidy_table(report: Report) -> Table:
    """One row a cell, one value a column; semicolons separate several values in one place."""
    labels = report.labels_of(report.cells)
    parameters = dict.fromkeys(name for cell in report.cells for name in hyperparameters(cell))
    columns = ["dataset", "cell", "name", "family", "n", "seeds", "status", "verdict", *parameters, *COSTS]
    columns += [f"{label}_{part}" for label in labels.values() for part in METRIC_PARTS]
    known = {found.publication.name for found in report.all_replications()}
    papers = [paper.name for paper in report.publications if paper.name in known]
    columns += [f"{paper}_{part}" for paper in papers for part in ("published", "differences")]
    return Table(texts(*columns), [_row(report, cell, labels) for cell in report.cells])


def _row(report: Report, cell: Cell, labels: dict[MetricKey, str]) -> dict[str, str]:
    values = cell.facts() | {key: cell.cost(key).mean for key in COSTS}
    for key, label in labels.items():
        if metric := cell.metrics.get(key):
            last, best = metric.last, metric.best
            parts = (last.mean, last.sd, best.mean, best.sd, metric.best_steps, last.n, metric.floors, key[1])
            values |= {f"{label}_{name}": part for name, part in zip(METRIC_PARTS, parts, strict=True)}
    for paper, row in report.repetitions_of(cell):
        values |= {f"{paper.name}_published": row.score, f"{paper.name}_differences": [*row.differences]}
    return hyperparameters(cell) | {name: _plain(value) for name, value in values.items()}


def _plain(value: str | float | list | None) -> str:
    if isinstance(value, list):
        return ";".join(map(_plain, value))
    return value if isinstance(value, str) else "" if value is None else repr(value)

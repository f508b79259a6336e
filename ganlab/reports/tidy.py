"""The report for spreadsheets and scripts: one row a cell over all data sets, numbers in full."""

from ganlab.reports.cells import Cell, MetricSummary
from ganlab.reports.comparison import hyperparameters, states, verdicts
from ganlab.reports.metric_names import MetricKey, label_metrics
from ganlab.reports.report import Report
from ganlab.reports.studies import Study
from ganlab.reports.study_document import published_document
from ganlab.reports.table import Column, Table

METRIC_PARTS = ("last_mean", "last_sd", "best_mean", "best_sd", "best_step", "n", "floor", "fingerprint")


def tidy_table(report: Report) -> Table:
    """One row a cell, one value a column; several values in one place are parted by semicolons."""
    labels = label_metrics(report.metrics_of(report.cells))
    parameters = list(dict.fromkeys(name for cell in report.cells for name in hyperparameters(cell)))
    head = ["dataset", "cell", "name", "family", "n", "seeds", "status", "verdict"]
    _, published = published_document(report)
    studies = [study.name for study in report.studies if any(study.name in entry for entry in published.values())]
    columns = [*head, *parameters, "seconds", "images_per_second"]
    for label in labels.values():
        columns += [f"{label}_{part}" for part in METRIC_PARTS]
    columns += [f"{study}_{part}" for study in studies for part in ("published", "differences")]
    rows = [
        [*_row(cell, parameters, list(labels)), *_published(published.get(id(cell), {}), report.studies, studies)]
        for cell in report.cells
    ]
    return Table([Column(name) for name in columns], rows)


def _row(cell: Cell, parameters: list[str], keys: list[MetricKey]) -> list[str]:
    values = hyperparameters(cell)
    row = [
        cell.dataset,
        cell.cell or "",
        cell.name,
        cell.family,
        str(len(cell.averaged)),
        _list(cell.seeds),
    ]
    row += [states(cell), verdicts(cell), *(values.get(name, "") for name in parameters)]
    row += [_plain(cell.cost(key).mean) for key in ("seconds", "images_per_second")]
    for key in keys:
        metric = cell.metrics.get(key)
        row += [""] * len(METRIC_PARTS) if metric is None else [*_metric_row(metric), key[1] or ""]
    return row


def _published(entries: dict[str, dict], studies: list[Study], shown: list[str]) -> list[str]:
    """For each study shown the published score, and the facts in which the runs are another experiment."""
    texts = []
    for study in studies:
        if study.name in shown:
            entry = entries.get(study.name, {"differences": {}})
            texts += [_plain(entry.get(study.layout.score)), ";".join(entry["differences"])]
    return texts


def _metric_row(metric: MetricSummary) -> list[str]:
    last, best = metric.last, metric.best
    numbers = [_plain(value) for value in (last.mean, last.sd, best.mean, best.sd)]
    return [*numbers, _list(metric.best_steps), str(last.n), _list(metric.floors)]


def _list(values: list) -> str:
    return ";".join(_plain(value) for value in values)


def _plain(value: float | None) -> str:
    return "" if value is None else repr(value)

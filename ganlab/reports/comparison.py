"""The tables that compare runs: one for each data set, with a row for each cell and a last row for real data."""

from collections.abc import Sequence

from ganlab.metrics.names import better
from ganlab.reports.averages import Cell, Statistic
from ganlab.reports.metric_names import MetricKey, sample_count
from ganlab.reports.replication import WHICH
from ganlab.reports.report import Group, Report
from ganlab.reports.settings import short_keys
from ganlab.reports.table import Table, exact, number, numbers, span, spread, texts


def comparison_tables(report: Report, dataset: str | None = None) -> list[Table]:
    """A table for each group of cells; of one data set, if it is given."""
    return [_table(report, group) for group in report.groups if dataset in (None, group.dataset)]


def metric_texts(cell: Cell, labels: dict[MetricKey, str]) -> dict[str, str]:
    """Heading -> text of the last and best value of each metric. A value that some runs lack has its own n."""
    told = {}
    for key, label in labels.items():
        if metric := cell.metrics.get(key):
            steps = f" (step {span(metric.best_steps)})" if metric.best_steps else ""
            told[f"{label} last"] = _mean(metric.last, len(cell.averaged))
            told[f"{label} best"] = _mean(metric.best, len(cell.averaged)) + steps
    return told


def floor_texts(cells: Sequence[Cell], labels: dict[MetricKey, str]) -> dict[str, str]:
    """Heading -> text of each metric between real samples, as the runs of these cells measured it."""
    told = {}
    for key, label in labels.items():
        metrics = [cell.metrics[key] for cell in cells if key in cell.metrics]
        text = span([floor for metric in metrics for floor in metric.floors])
        # The size of the samples, where there are too few real images for the protocol's size.
        sizes = span([n for metric in metrics for n in metric.floor_ns if n != sample_count(key.name)])
        text = f"{text} (N = {sizes})" if text and sizes else text
        told |= {f"{label} {which}": text for which in WHICH}
    return told


def metric_notes(labels: dict[MetricKey, str]) -> list[str]:
    """How to read the columns of these metrics."""
    notes = ["Mean ± sample standard deviation over n seeds; best: of each run's best value."] if labels else []
    for word in ("Lower", "Higher"):
        named = [label for key, label in labels.items() if better(key.name) == word.lower()]
        if named:
            notes.append(f"{word} is better: {', '.join(named)}.")
    return notes


def _table(report: Report, group: Group) -> Table:
    labels = report.labels_of(group.cells)
    keys = [key for settings in group.varied[:1] for key in settings]
    heads = short_keys(keys)
    measured = [f"{label} {which}" for label in labels.values() for which in WHICH]
    families = len({run.family for cell in group.cells for run in cell.runs}) > 1
    columns = [*texts("name", *(["family"] if families else []))]
    columns += numbers(*heads.values(), "n", *measured, "seconds", "images/s")
    columns += texts("status", "verdict")
    rows = [
        {
            **{heads[key]: value for key, value in settings.items()},
            **cell.facts(),
            **metric_texts(cell, labels),
            "seconds": cell.cost("seconds").mean,
            "images/s": cell.cost("images_per_second").mean,
        }
        for cell, settings in zip(group.cells, group.varied, strict=True)
    ]
    footer = [{"name": "floor (real data)", **floor_texts(group.cells, labels)}] if labels else []
    return Table(columns, rows, group.title, _notes(report, group, labels), footer, _shared(group.cells))


def _shared(cells: Sequence[Cell]) -> str:
    """The line of family, steps and hyperparameters that all described cells share."""
    described = [cell.described for cell in cells if cell.described]
    told = [{k: s[k] for k in ("family", "steps", "backend", "device") if k in s} | s["config"] for s in described]
    shared = [
        f"{key} {number(value) if isinstance(value, float) else exact(value)}"
        for key, value in (told[0] if told else {}).items()
        if value is not None and all(key in other and other[key] == value for other in told)
    ]
    return ", ".join(shared)


def _mean(value: Statistic, n: int) -> str:
    text = spread(value.mean, value.sd)
    return f"{text} (n = {value.n})" if text and value.n != n else text


def _notes(report: Report, group: Group, labels: dict[MetricKey, str]) -> list[str]:
    notes = metric_notes(labels)
    runs = sum(len(cell.runs) for cell in group.cells)
    averaged = sum(len(cell.averaged) for cell in group.cells)
    if averaged < runs:
        notes.append(f"{runs - averaged} of {runs} runs are unfinished, failed or repeated, and enter no mean.")
    summaries = [run.summary for cell in group.cells for run in cell.averaged if run.summary]
    notes += dict.fromkeys(f"{s['dataset']}: {s['data_note']}." for s in summaries if s.get("data_note"))
    return notes + [f"Left out: {problem}" for problem in report.problems]

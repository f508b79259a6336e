"""The table that compares runs: one a data set, a row a cell, and a last row for real data."""

from ganlab.metrics.names import better
from ganlab.reports.averages import Cell, Statistic
from ganlab.reports.metric_names import MetricKey, sample_count
from ganlab.reports.replication import WHICH
from ganlab.reports.report import Report
from ganlab.reports.table import Table, exact, numbers, span, spread, texts

ALWAYS_SHOWN = ("steps", "batch_size", "latent_dim")
# Not part of the config, but a table that mixes them must say so.
SURROUNDINGS = ("backend", "device")


def comparison_tables(report: Report) -> list[Table]:
    """A table for each data set, in alphabetical order."""
    return [_table(report, dataset, cells) for dataset, cells in report.by_dataset().items()]


def hyperparameters(cell: Cell) -> dict[str, str]:
    """A cell's hyperparameters, backend and device as text; {} while no run has a summary."""
    summary = cell.described
    if not summary:
        return {}
    values = {"steps": summary["steps"], **{key: summary.get(key) for key in SURROUNDINGS}, **summary["config"]}
    return {key: exact(value) for key, value in values.items()}


def metric_texts(cell: Cell, labels: dict[MetricKey, str]) -> dict[str, str]:
    """Heading -> text of the last and best value of each metric; a value that some runs lack says its own n."""
    told = {}
    for key, label in labels.items():
        if metric := cell.metrics.get(key):
            steps = f" (step {span(metric.best_steps)})" if metric.best_steps else ""
            told[f"{label} last"] = _mean(metric.last, len(cell.averaged))
            told[f"{label} best"] = _mean(metric.best, len(cell.averaged)) + steps
    return told


def floor_texts(cells: list[Cell], labels: dict[MetricKey, str]) -> dict[str, str]:
    """Heading -> text of each metric between real samples, as the runs of these cells measured it."""
    told = {}
    for key, label in labels.items():
        metrics = [cell.metrics[key] for cell in cells if key in cell.metrics]
        text = span([floor for metric in metrics for floor in metric.floors])
        # Too few real images for two samples of the protocol's size: the table tells the size.
        sizes = span([n for metric in metrics for n in metric.floor_ns if n != sample_count(key[0])])
        text = f"{text} (N = {sizes})" if text and sizes else text
        told |= {f"{label} {which}": text for which in WHICH}
    return told


def metric_notes(labels: dict[MetricKey, str]) -> list[str]:
    """How to read the columns of these metrics."""
    notes = ["Mean ± sample standard deviation over n seeds; best: of each run's best value."] if labels else []
    for word in ("Lower", "Higher"):
        named = [label for key, label in labels.items() if better(key[0]) == word.lower()]
        if named:
            notes.append(f"{word} is better: {', '.join(named)}.")
    return notes


def _table(report: Report, dataset: str, cells: list[Cell]) -> Table:
    labels = report.labels_of(cells)
    settings = [hyperparameters(cell) for cell in cells]
    measured = [f"{label} {which}" for label in labels.values() for which in WHICH]
    columns = [*texts("name", "family"), *numbers(*_shown(settings), "n", *measured, "seconds", "images/s")]
    columns += texts("status", "verdict")
    rows = [
        {
            **told,
            **cell.facts(),
            **metric_texts(cell, labels),
            "seconds": cell.cost("seconds").mean,
            "images/s": cell.cost("images_per_second").mean,
        }
        for cell, told in zip(cells, settings, strict=True)
    ]
    footer = [{"name": "floor (real data)", **floor_texts(cells, labels)}] if labels else []
    return Table(columns, rows, dataset, _notes(report, cells, labels), footer)


def _shown(settings: list[dict[str, str]]) -> list[str]:
    """The hyperparameters that are always shown, then those in which the cells differ, in the order of the runs."""
    described = [values for values in settings if values]
    keys = dict.fromkeys(key for values in described for key in values)
    differing = [key for key in keys if len({values.get(key, "") for values in described}) > 1]
    return list(dict.fromkeys([*ALWAYS_SHOWN, *differing]))


def _mean(value: Statistic, n: int) -> str:
    text = spread(value.mean, value.sd)
    return f"{text} (n = {value.n})" if text and value.n != n else text


def _notes(report: Report, cells: list[Cell], labels: dict[MetricKey, str]) -> list[str]:
    notes = metric_notes(labels)
    runs = sum(len(cell.runs) for cell in cells)
    averaged = sum(len(cell.averaged) for cell in cells)
    if averaged < runs:
        notes.append(f"{runs - averaged} of {runs} runs are unfinished, failed or repeated, and in no mean.")
    summaries = [run.summary for cell in cells for run in cell.averaged if run.summary]
    notes += dict.fromkeys(f"{s['dataset']}: {s['data_note']}." for s in summaries if s.get("data_note"))
    return notes + [f"Left out: {problem}" for problem in report.problems]

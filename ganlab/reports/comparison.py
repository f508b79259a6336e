"""The tables that compare runs: one for each data set, with a row for each cell and a last row for real data."""

from collections.abc import Sequence

from ganlab.errors import ConfigError
from ganlab.metrics.names import better, is_distance
from ganlab.reports.averages import Cell, Statistic, summarize
from ganlab.reports.metric_names import MetricKey, sample_count
from ganlab.reports.progress import progress_of
from ganlab.reports.replication import WHICH
from ganlab.reports.report import Group, Report
from ganlab.reports.table import Table, exact, number, numbers, span, spread, texts

UNFINISHED = ("created", "running", "stopped")


def comparison_tables(report: Report, dataset: str | None = None) -> list[Table]:
    """A table for each group of cells; of one data set, if it is given."""
    return [_table(report, group) for group in report.groups if dataset in (None, group.dataset)]


def pivot_tables(report: Report) -> list[Table]:
    """For each group the main metric over the report's two columns: the first gives the rows, the second the columns.

    A mean is over the runs of all cells with these two values.

    Raises:
        ConfigError: a key fits several settings.
    """
    tables = []
    for group in report.groups:
        keys = list(group.varied[0])
        if len(keys) != 2:
            raise ConfigError(f"expected one key for rows and one for columns, found {', '.join(keys)}")
        label, scores = report.scores_of(group)
        values: dict[tuple[str, ...], list[float]] = {}
        for settings, score in scores:
            values.setdefault(tuple(settings.values()), []).append(score)
        heads = list(dict.fromkeys(column for _, column in values))
        rows = [
            {keys[0]: row} | {head: str(summarize(values.get((row, head), []))) for head in heads}
            for row in dict.fromkeys(row for row, _ in values)
        ]
        title, notes = f"{group.title}, {label}, columns: {keys[1]}", ["Mean ± sample standard deviation (n)."]
        tables += [Table([*texts(keys[0]), *numbers(*heads)], rows, title, notes)] if rows else []
    return tables


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


def metric_notes(labels: dict[MetricKey, str], has_best: bool = True) -> list[str]:
    """How to read the columns of these metrics."""
    notes = ["Mean ± sample standard deviation over n seeds."] if labels else []
    notes += ["best: the best value of each run."] if has_best and labels else []
    for word in ("Lower", "Higher"):
        named = [label for key, label in labels.items() if better(key.name) == word.lower()]
        if named:
            notes.append(f"{word} is better: {', '.join(named)}.")
    return notes


def _table(report: Report, group: Group) -> Table:
    labels = report.labels_of(group.cells)
    heads = [key for settings in group.settings[:1] for key in settings]
    families = len({run.family for cell in group.cells for run in cell.runs}) > 1
    columns = [*texts("name"), *texts(*(["family"] if families else []), rank=3), *numbers(*heads, rank=2)]
    columns += numbers("n", rank=1)
    for place, (key, label) in enumerate(labels.items()):
        has_best = any(_has_best(cell, key) for cell in group.cells)
        columns += numbers(f"{label} last", rank=3 if place else 1) + numbers(*[f"{label} best"] * has_best, rank=4)
    columns += texts("status", "verdict", rank=5) + numbers("seconds", "images/s", rank=6)
    rows = [
        {
            **settings,
            **cell.facts(),
            **metric_texts(cell, labels),
            "seconds": cell.cost("seconds").mean,
            "images/s": cell.cost("images_per_second").mean,
        }
        for cell, settings in zip(group.cells, group.settings, strict=True)
    ]
    footer = [{"name": "floor (real data)", **floor_texts(group.cells, labels)}] if labels else []
    notes = _notes(report, group, labels, any(column.name.endswith(" best") for column in columns))
    return Table(columns, rows, group.title, notes, footer, _shared(group.cells))


def _has_best(cell: Cell, key: MetricKey) -> bool:
    """Whether the best value is another one than the last value."""
    metric = cell.metrics.get(key)
    return metric is not None and metric.best != metric.last


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


def _notes(report: Report, group: Group, labels: dict[MetricKey, str], has_best: bool) -> list[str]:
    notes = metric_notes(labels, has_best)
    runs = sum(len(cell.runs) for cell in group.cells)
    averaged = sum(len(cell.averaged) for cell in group.cells)
    if averaged < runs:
        notes.append(f"{runs - averaged} of {runs} runs are unfinished, failed or repeated, and enter no mean.")
    for run in (run for cell in group.cells for run in cell.runs if run.state in UNFINISHED):
        reason = f"; {run.status['reason']}" if run.status.get("reason") else ""
        notes.append(f"{run.name}-seed{run.seed} is {run.state}: {progress_of(run)}{reason}.")
    summaries = [run.summary for cell in group.cells for run in cell.averaged]
    notes += dict.fromkeys(f"{s['dataset']}: {s['data_note']}." for s in summaries if s.get("data_note"))
    notes += _below_floor(group.cells, labels)
    return notes + [f"Left out: {problem}" for problem in report.problems]


def _below_floor(cells: Sequence[Cell], labels: dict[MetricKey, str]) -> list[str]:
    """A warning about distances to the training images that are smaller than those of other real images."""
    found = []
    for key, label in labels.items():
        if is_distance(key.name):
            measured = [(cell, cell.metrics[key]) for cell in cells if key in cell.metrics]
            below = [cell.name for cell, m in measured if m.last.n and m.floors and m.last.mean < min(m.floors)]
            found += [f"{name} ({label})" for name in below]
    return [f"Below the floor, as copies of training images are: {', '.join(found)}."] if found else []

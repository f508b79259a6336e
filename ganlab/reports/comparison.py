"""The table a person compares runs by: one a data set, a row a cell, and a last row for real data."""

from collections import Counter

from ganlab.metrics.names import better
from ganlab.reports.averages import Cell, Statistic
from ganlab.reports.metric_names import MetricKey, sample_count
from ganlab.reports.report import Report
from ganlab.reports.table import Table, exact, number, numbers, span, spread, texts

ALWAYS_SHOWN = ("steps", "batch_size", "latent_dim")
# Of the run rather than of its config, but a table that mixes them must say so.
SURROUNDINGS = ("backend", "device")


def comparison_tables(report: Report) -> list[Table]:
    """A table for each data set, in alphabetical order."""
    return [_table(report, dataset, cells) for dataset, cells in report.by_dataset().items()]


def hyperparameters(cell: Cell) -> dict[str, str]:
    """A cell's hyperparameters as text, with the surroundings of its runs; {} while no run has a summary."""
    summary = cell.described
    if not summary:
        return {}
    values = {"steps": summary["steps"], **{key: summary.get(key) for key in SURROUNDINGS}, **summary["config"]}
    return {key: exact(value) for key, value in values.items()}


def shown_hyperparameters(cells: list[Cell]) -> list[str]:
    """Those always shown, then those in which the cells differ, in the order in which the runs wrote them."""
    described = [values for cell in cells if (values := hyperparameters(cell))]
    keys = dict.fromkeys(key for values in described for key in values)
    differing = [key for key in keys if len({values.get(key, "") for values in described}) > 1]
    return list(dict.fromkeys([*ALWAYS_SHOWN, *differing]))


def states(cell: Cell) -> str:
    """What became of the cell's runs: `finished`, or `2 finished, 1 diverged`."""
    return _counted([run.state for run in cell.runs])


def verdicts(cell: Cell) -> str:
    """The verdicts on the cell's runs that have one."""
    return _counted([run.verdict for run in cell.runs if run.verdict])


def metric_texts(cell: Cell, labels: dict[MetricKey, str]) -> dict[str, str]:
    """Heading -> text of the last and best value of each metric; a value that not all runs have says its own n."""
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
        # Real data may be too few for two samples of the protocol's size: then the size is told.
        sizes = span([n for metric in metrics for n in metric.floor_ns if n != sample_count(key[0])])
        told[f"{label} last"] = told[f"{label} best"] = f"{text} (N = {sizes})" if text and sizes else text
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
    labels, parameters = report.labels_of(cells), shown_hyperparameters(cells)
    measured = [f"{label} {which}" for label in labels.values() for which in ("last", "best")]
    columns = [*texts("name", "family"), *numbers(*parameters, "n", *measured, "seconds", "images/s")]
    columns += texts("status", "verdict")
    rows = [
        {
            **hyperparameters(cell),
            "name": cell.name,
            "family": cell.family,
            "n": str(len(cell.averaged)),
            **metric_texts(cell, labels),
            "seconds": number(cell.cost("seconds").mean),
            "images/s": number(cell.cost("images_per_second").mean),
            "status": states(cell),
            "verdict": verdicts(cell),
        }
        for cell in cells
    ]
    footer = [{"name": "floor (real data)", **floor_texts(cells, labels)}] if labels else []
    return Table(columns, rows, dataset, _notes(report, cells, labels), footer)


def _mean(value: Statistic, n: int) -> str:
    text = spread(value.mean, value.sd)
    return f"{text} (n = {value.n})" if text and value.n != n else text


def _notes(report: Report, cells: list[Cell], labels: dict[MetricKey, str]) -> list[str]:
    notes = metric_notes(labels)
    runs = sum(len(cell.runs) for cell in cells)
    averaged = sum(len(cell.averaged) for cell in cells)
    if averaged < runs:
        notes.append(f"{runs - averaged} of {runs} runs are unfinished, failed or repeated, and in no mean.")
    return notes + [f"Left out: {problem}" for problem in report.problems]


def _counted(words: list[str]) -> str:
    counts = Counter(words)
    return words[0] if len(words) == 1 else ", ".join(f"{count} {word}" for word, count in counts.items())

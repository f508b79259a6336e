"""The table a person compares runs by: one a data set, a row a cell, and a last row for real data."""

from ganlab.metrics.names import better
from ganlab.reports.cells import Cell, MetricSummary, Statistic
from ganlab.reports.metric_names import MetricKey, label_metrics, sample_count
from ganlab.reports.report import Report
from ganlab.reports.table import Column, Table, exact, number, span, spread

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
    values = {
        "steps": summary["steps"],
        **{key: summary.get(key) for key in SURROUNDINGS},
        **summary["config"],
    }
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


def _table(report: Report, dataset: str, cells: list[Cell]) -> Table:
    keys, parameters = report.metrics_of(cells), shown_hyperparameters(cells)
    labels = label_metrics(keys)
    columns = [Column("name"), Column("family"), *(Column(name, numeric=True) for name in parameters)]
    columns.append(Column("n", numeric=True))
    columns += [Column(f"{labels[key]} {which}", numeric=True) for key in keys for which in ("last", "best")]
    columns += [
        Column("seconds", numeric=True),
        Column("images/s", numeric=True),
        Column("status"),
        Column("verdict"),
    ]
    rows = [_row(cell, keys, parameters) for cell in cells]
    floors = [text for key in keys for text in [floor_text(cells, key)] * 2]
    floor = ["floor (real data)", "", *[""] * len(parameters), "", *floors, "", "", "", ""]
    notes = _notes(report, cells, keys, labels)
    return Table(columns, rows, title=dataset, notes=notes, footer=[floor] if keys else [])


def _row(cell: Cell, keys: list[MetricKey], parameters: list[str]) -> list[str]:
    values = hyperparameters(cell)
    row = [cell.name, cell.family, *(values.get(name, "") for name in parameters), str(len(cell.averaged))]
    for key in keys:
        row += metric_texts(cell.metrics.get(key), len(cell.averaged))
    costs = [number(cell.cost(key).mean) for key in ("seconds", "images_per_second")]
    return [*row, *costs, states(cell), verdicts(cell)]


def metric_texts(metric: MetricSummary | None, n: int) -> list[str]:
    """The texts of a metric's last and best value; a value that not all n runs have says its own n."""
    if metric is None:
        return ["", ""]
    steps = f" (step {span(metric.best_steps)})" if metric.best_steps else ""
    return [_mean(metric.last, n), _mean(metric.best, n) + steps]


def _mean(value: Statistic, n: int) -> str:
    text = spread(value.mean, value.sd)
    return f"{text} (n = {value.n})" if text and value.n != n else text


def floor_text(cells: list[Cell], key: MetricKey) -> str:
    """The value of a metric between real samples, as the runs of these cells measured it."""
    metrics = [cell.metrics[key] for cell in cells if key in cell.metrics]
    text = span([floor for metric in metrics for floor in metric.floors])
    # Real data may be too few for two samples of the protocol's size: then the size is told.
    sizes = span([n for metric in metrics for n in metric.floor_ns if n != sample_count(key[0])])
    return f"{text} (N = {sizes})" if text and sizes else text


def metric_notes(keys: list[MetricKey], labels: dict[MetricKey, str]) -> list[str]:
    """How to read the columns of these metrics."""
    notes = ["Mean ± sample standard deviation over n seeds; best: of each run's best value."] if keys else []
    for word in ("Lower", "Higher"):
        named = [labels[key] for key in keys if better(key[0]) == word.lower()]
        if named:
            notes.append(f"{word} is better: {', '.join(named)}.")
    return notes


def _notes(report: Report, cells: list[Cell], keys: list[MetricKey], labels: dict[MetricKey, str]) -> list[str]:
    notes = metric_notes(keys, labels)
    runs = sum(len(cell.runs) for cell in cells)
    averaged = sum(len(cell.averaged) for cell in cells)
    if averaged < runs:
        notes.append(f"{runs - averaged} of {runs} runs are unfinished, failed or repeated, and in no mean.")
    return notes + [f"Left out: {problem}" for problem in report.problems]


def _counted(words: list[str]) -> str:
    distinct = dict.fromkeys(words)
    if len(distinct) == 1 and len(words) == 1:
        return words[0]
    return ", ".join(f"{words.count(word)} {word}" for word in distinct)

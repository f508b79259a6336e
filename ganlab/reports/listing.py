"""Lists: the runs there are, the data sets there are."""

from ganlab.reports.metric_names import main_metric
from ganlab.reports.table import Column, Table, exact, moment, number
from ganlab.runs.records import RunRecord

LISTING_FORMAT = 1


def listing_table(runs: list[RunRecord]) -> Table:
    """A row a run, with the metric that stands for the others."""
    columns = [Column("dataset"), Column("name"), Column("seed", numeric=True), Column("identity")]
    columns += [Column("family"), Column("status"), Column("verdict"), Column("steps", numeric=True)]
    columns += [
        Column("metric"),
        Column("last", numeric=True),
        Column("best", numeric=True),
        Column("updated"),
    ]
    rows = [[_text(value) for value in {**_entry(run), "updated": moment(run.updated)}.values()] for run in runs]
    return Table(columns, rows)


def listing_document(runs: list[RunRecord]) -> dict:
    """The same as plain data, with each run's folder."""
    return {
        "format": LISTING_FORMAT,
        "runs": [{**_entry(run), "folder": str(run.folder)} for run in runs],
    }


def dataset_table(datasets: list[dict]) -> Table:
    """A row a data set, with the columns the data sets themselves give."""
    names = list(dict.fromkeys(name for dataset in datasets for name in dataset))
    values = {name: [dataset.get(name) for dataset in datasets] for name in names}
    columns = [Column(name, all(isinstance(v, int | None) for v in values[name])) for name in names]
    return Table(columns, [[_text(dataset.get(name)) for name in names] for dataset in datasets])


def _entry(run: RunRecord) -> dict:
    metric = main_metric(run.metrics)
    values = run.metrics[metric] if metric else {"last": None, "best": None}
    return {
        "dataset": run.dataset,
        "name": run.name,
        "seed": run.seed,
        "identity": run.identity,
        "family": run.family,
        "status": run.state,
        "verdict": run.verdict or None,
        "steps": run.summary["steps"] if run.summary else None,
        "metric": metric,
        "last": values["last"],
        "best": values["best"],
        "updated": run.updated,
    }


def _text(value) -> str:
    if isinstance(value, list | tuple):
        return " x ".join(map(str, value))
    return number(value) if isinstance(value, float) else exact(value)

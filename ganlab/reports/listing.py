"""Lists: the runs there are, the data sets there are."""

from ganlab.reports.metric_names import main_metric
from ganlab.reports.table import Column, Table, exact, moment, number, numbers, texts
from ganlab.runs.records import RunRecord

LISTING_FORMAT = 1


def listing_table(runs: list[RunRecord]) -> Table:
    """A row a run, with the metric that stands for the others."""
    columns = [*texts("dataset", "name"), *numbers("seed"), *texts("identity", "family", "status", "verdict")]
    columns += [*numbers("steps"), *texts("metric"), *numbers("last", "best"), *texts("updated")]
    entries = [_entry(run) | {"updated": moment(run.updated)} for run in runs]
    return Table(columns, [{key: _text(value) for key, value in entry.items()} for entry in entries])


def listing_document(runs: list[RunRecord]) -> dict:
    """The same as plain data, with each run's folder."""
    return {"format": LISTING_FORMAT, "runs": [{**_entry(run), "folder": str(run.folder)} for run in runs]}


def dataset_table(datasets: list[dict]) -> Table:
    """A row a data set, with the columns the data sets themselves give."""
    names = list(dict.fromkeys(name for dataset in datasets for name in dataset))
    values = {name: [dataset.get(name) for dataset in datasets] for name in names}
    columns = [Column(name, all(isinstance(v, int | None) for v in values[name])) for name in names]
    return Table(columns, [{name: _text(value) for name, value in dataset.items()} for dataset in datasets])


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

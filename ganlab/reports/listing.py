"""Lists: the runs there are, the data sets there are."""

from ganlab.reports.metric_names import main_metric
from ganlab.reports.table import Column, Table, moment, numbers, texts
from ganlab.runs.records import RunRecord

LISTING_FORMAT = 1


def listing_table(runs: list[RunRecord]) -> Table:
    """A row a run, with its main metric."""
    columns = [*texts("dataset", "name"), *numbers("seed"), *texts("identity", "family", "status", "verdict")]
    columns += [*numbers("steps"), *texts("metric"), *numbers("last", "best"), *texts("updated")]
    return Table(columns, [_entry(run) | {"updated": moment(run.updated)} for run in runs])


def listing_document(runs: list[RunRecord]) -> dict:
    """The same as plain data, with each run's folder."""
    return {"format": LISTING_FORMAT, "runs": [{**_entry(run), "folder": str(run.folder)} for run in runs]}


def dataset_table(datasets: list[dict]) -> Table:
    """A row a data set; the mappings give the columns."""
    names = dict.fromkeys(name for dataset in datasets for name in dataset)
    numeric = {name: all(isinstance(dataset.get(name), int | None) for dataset in datasets) for name in names}
    return Table([Column(name, numeric[name]) for name in names], datasets)


def _entry(run: RunRecord) -> dict:
    metric = main_metric(run.metrics)
    values = run.metrics.get(metric, {})
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
        "last": values.get("last"),
        "best": values.get("best"),
        "updated": run.updated,
    }

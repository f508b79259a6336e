"""Runs as tables and plain data: all runs for `ganlab ls`, one run for `ganlab show`."""

from ganlab.metrics.names import better
from ganlab.reports.metric_names import main_metric, sample_count
from ganlab.reports.table import Table, exact, moment, number, numbers, texts
from ganlab.runs.records import RunRecord

FORMAT = 1


def listing_table(runs: list[RunRecord]) -> Table:
    """A row for each run, with its main metric."""
    columns = [*texts("dataset", "name"), *numbers("seed"), *texts("identity", "family", "status", "verdict")]
    columns += [*numbers("steps"), *texts("metric"), *numbers("last", "best"), *texts("updated")]
    return Table(columns, [_entry(run) | {"updated": moment(run.updated)} for run in runs])


def listing_document(runs: list[RunRecord]) -> dict:
    """The list as plain data, with the folder of each run."""
    return {"format": FORMAT, "runs": [{**_entry(run), "folder": str(run.folder)} for run in runs]}


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


def run_tables(run: RunRecord) -> list[Table]:
    """The outcome, hyperparameters, metrics and pictures of a run, as far as it has them."""
    summary = run.summary or {}
    facts = {"status": run.state, "reason": run.status.get("reason"), "verdict": run.verdict, "family": run.family}
    facts |= {"seed": run.seed, "identity": summary.get("identity", run.identity), "cell": run.cell}
    facts |= {key: summary.get(key) for key in ("parameters", "steps", "seconds")}
    facts |= {"steps/s": summary.get("steps_per_second"), "images/s": summary.get("images_per_second")}
    facts |= {"device": summary.get("device"), "backend": summary.get("backend")}
    facts |= {"updated": moment(run.updated), "folder": str(run.folder)}
    tables = [
        _pairs(f"{run.dataset}/{run.name}", facts),
        _pairs("hyperparameters", summary.get("config", {})),
        _metrics(run),
        _pairs("pictures", _pictures(run)),
    ]
    return [table for table in tables if table.rows]


def run_document(run: RunRecord) -> dict:
    """The run as plain data."""
    told = {"format": FORMAT, "folder": str(run.folder), "status": run.status, "summary": run.summary}
    return told | {"pictures": _pictures(run)}


def _pictures(run: RunRecord) -> dict[str, str]:
    return {name: str(path) for name, path in run.pictures().items()}


def _pairs(title: str, values: dict) -> Table:
    """A table of two columns; keys without a value are left out."""
    rows = [[name, _text(value)] for name, value in values.items() if value not in (None, "")]
    return Table(texts("key", "value"), rows, title)


def _metrics(run: RunRecord) -> Table:
    columns = [*texts("metric"), *numbers("last", "best", "at step", "floor"), *texts("better")]
    rows = []
    for name, metric in run.metrics.items():
        n = metric.get("floor_n")
        floor = number(metric["floor"]) + ("" if n in (None, sample_count(name)) else f" (N = {n})")
        rows.append([name, metric["last"], metric["best"], metric["best_step"], floor, better(name)])
    return Table(columns, rows, "metrics", ["floor: the same metric between real samples."])


def _text(value) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(entry)}" for key, entry in value.items())
    return number(value) if isinstance(value, float) else exact(value)

"""One run on a page: what became of it, how it was made, what it scored, where its pictures are."""

from ganlab.metrics.names import better
from ganlab.reports.metric_names import sample_count
from ganlab.reports.table import Table, exact, moment, number, numbers, texts
from ganlab.runs.records import RunRecord

DOCUMENT_FORMAT = 1


def run_tables(run: RunRecord) -> list[Table]:
    """The tables of `ganlab show`; those that a run has nothing for yet are left out."""
    tables = [_pairs(f"{run.dataset}/{run.name}", _facts(run))]
    if run.summary:
        tables.append(_pairs("hyperparameters", run.summary["config"]))
    if run.metrics:
        tables.append(_metrics(run))
    if pictures := run.pictures():
        tables.append(_pairs("pictures", {name: str(path) for name, path in pictures.items()}))
    return tables


def run_document(run: RunRecord) -> dict:
    """The same as plain data."""
    return {
        "format": DOCUMENT_FORMAT,
        "folder": str(run.folder),
        "status": run.status,
        "summary": run.summary,
        "pictures": {name: str(path) for name, path in run.pictures().items()},
    }


def _facts(run: RunRecord) -> dict:
    summary = run.summary or {}
    return {
        "status": run.state,
        "reason": run.status.get("reason"),
        "verdict": run.verdict,
        "family": run.family,
        "seed": run.seed,
        "identity": summary.get("identity", run.identity),
        "cell": run.cell,
        "parameters": summary.get("parameters"),
        "steps": summary.get("steps"),
        "seconds": number(summary.get("seconds")),
        "steps/s": number(summary.get("steps_per_second")),
        "images/s": number(summary.get("images_per_second")),
        "device": summary.get("device"),
        "backend": summary.get("backend"),
        "updated": moment(run.updated),
        "folder": str(run.folder),
    }


def _pairs(title: str, values: dict) -> Table:
    """A table of two columns; what has no value has no row."""
    rows = [[name, _text(value)] for name, value in values.items() if value not in (None, "")]
    return Table(texts("key", "value"), rows, title=title)


def _metrics(run: RunRecord) -> Table:
    columns = [*texts("metric"), *numbers("last", "best", "at step", "floor"), *texts("better")]
    rows = []
    for name, metric in run.metrics.items():
        values = [number(metric[key]) for key in ("last", "best", "best_step", "floor")]
        if metric.get("floor_n") not in (None, sample_count(name)):
            values[-1] += f" (N = {metric['floor_n']})"
        rows.append([name, *values, better(name)])
    return Table(columns, rows, title="metrics", notes=["floor: the same metric between real samples."])


def _text(value) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(entry)}" for key, entry in value.items())
    return exact(value)

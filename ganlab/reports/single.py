"""One run on a page: its outcome, how it was made, its scores, the files of its pictures."""

from ganlab.metrics.names import better
from ganlab.reports.metric_names import sample_count
from ganlab.reports.table import Table, exact, moment, number, numbers, texts
from ganlab.runs.records import RunRecord

DOCUMENT_FORMAT = 1


def run_tables(run: RunRecord) -> list[Table]:
    """The tables of `ganlab show`, without the empty ones."""
    tables = [_pairs(f"{run.dataset}/{run.name}", _facts(run))]
    if run.summary:
        tables.append(_pairs("hyperparameters", run.summary["config"]))
    if run.metrics:
        tables.append(_metrics(run))
    if pictures := _pictures(run):
        tables.append(_pairs("pictures", pictures))
    return tables


def run_document(run: RunRecord) -> dict:
    """The same as plain data."""
    return {
        "format": DOCUMENT_FORMAT,
        "folder": str(run.folder),
        "status": run.status,
        "summary": run.summary,
        "pictures": _pictures(run),
    }


def _pictures(run: RunRecord) -> dict[str, str]:
    return {name: str(path) for name, path in run.pictures().items()}


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
    """A table of two columns, without the keys that have no value."""
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
    return exact(value)

"""Runs as tables and plain data: all runs for `ganlab ls`, one run for `ganlab show`."""

from dataclasses import asdict

from ganlab.metrics.names import better
from ganlab.reports.metric_names import main_metric, sample_count
from ganlab.reports.progress import progress_of
from ganlab.reports.settings import settings_of, short_keys, varied
from ganlab.reports.table import Table, duration, exact, moment, number, numbers, spread, texts
from ganlab.runs.records import RunRecord

FORMAT = 1


_OWN_COLUMNS = (
    *("dataset", "name", "seed", "identity", "family", "status", "verdict", "steps"),
    *("left", "metric", "last", "best", "updated"),
)


def listing_table(runs: list[RunRecord], problems: list[str]) -> Table:
    """A row for each run, with its main metric and the settings in which the runs differ.

    Adds a line to `problems` for each config that cannot be read.
    """
    entries = [entry_of(run) for run in runs]
    own = ("steps", "data.name")  # columns of this list
    all_settings, unread = settings_of(runs)
    problems += unread
    settings = varied([{key: value for key, value in each.items() if key not in own} for each in all_settings])
    heads = short_keys([key for each in settings[:1] for key in each], _OWN_COLUMNS)
    columns = [
        *texts("dataset", "name"),
        *numbers("seed", rank=1),
        *texts("identity", rank=8),
        *texts("family", rank=9),
    ]
    columns += [*texts("status"), *texts("verdict", rank=2), *numbers("steps", rank=2)]
    columns += numbers("left", rank=3) if any(entry["progress"] for entry in entries) else []
    columns += [*numbers(*heads.values(), rank=5), *texts("metric", rank=4), *numbers("last", rank=4)]
    columns += [*numbers("best", rank=6), *texts("updated", rank=7)]
    rows = []
    for run, entry, each in zip(runs, entries, settings, strict=True):
        told = {heads[key]: value for key, value in each.items()} | entry | {"updated": moment(run.updated)}
        if progress := entry["progress"]:
            told["steps"] = f"{progress['step']}/{progress['steps'] or '?'}"
            told["left"] = "" if progress["seconds_left"] is None else duration(progress["seconds_left"])
        rows.append(told)
    return Table(columns, rows)


def listing_document(runs: list[RunRecord]) -> dict:
    """The list as plain data, with the folder of each run."""
    return {"format": FORMAT, "runs": [{**entry_of(run), "folder": str(run.folder)} for run in runs]}


def entry_of(run: RunRecord) -> dict:
    """The columns of a run in the list, apart from the settings in which runs differ."""
    metric, progress = main_metric(run.metrics), progress_of(run)
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
        "progress": progress and asdict(progress),
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
    facts |= {"progress": str(progress_of(run) or ""), "parameters": summary.get("parameters")}
    facts |= {key: summary.get(key) for key in ("steps", "seconds")}
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
    progress = progress_of(run)
    return told | {"progress": progress and asdict(progress), "pictures": _pictures(run)}


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
        rows.append(
            [name, spread(metric["last"], metric.get("sd")), metric["best"], metric["best_step"], floor, better(name)]
        )
    return Table(columns, rows, "metrics", ["floor: the same metric between real samples."])


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(entry)}" for key, entry in value.items())
    return number(value) if isinstance(value, float) else exact(value)

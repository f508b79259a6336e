"""The differences between two runs."""

from ganlab.reports.averages import data_of, labels_of, metrics_of
from ganlab.reports.metric_names import label_metrics
from ganlab.reports.settings import flatten
from ganlab.reports.table import Table, exact, text_of, texts
from ganlab.runs.records import RunRecord

DIFFERENCE_FORMAT = 1
SIDES = ("first", "second")


def differences(first: dict, second: dict) -> list[dict]:
    """`{key, first, second}` for every key whose values differ; a side without the key has no entry.

    Arguments of a choice are left out if the choice differs: `loss` says enough.
    """
    sides = {name: dict(flatten(side)) if side else {} for name, side in zip(SIDES, (first, second), strict=True)}
    found = []
    for key in dict.fromkeys(key for side in sides.values() for key in side):
        values = {name: side[key] for name, side in sides.items() if key in side}
        is_argument = any(key.startswith(f"{entry['key']}.") for entry in found)
        if (len(values) == 1 and not is_argument) or len(set(map(repr, values.values()))) == 2:
            found.append({"key": key, **values})
    return found


def difference_document(first: RunRecord, second: RunRecord) -> dict:
    """All differences as plain data, and the metrics side by side, each protocol in its own entry."""
    metrics = {side: metrics_of(run) for side, run in zip(SIDES, (first, second), strict=True)}
    labels = label_metrics(key for entries in metrics.values() for key in entries)
    data = [{"data": {"fingerprint": data_of(run), "labels": labels_of(run)}} for run in (first, second)]
    return {
        "format": DIFFERENCE_FORMAT,
        "runs": [str(first.folder), str(second.folder)],
        "config": differences(first.config, second.config) + differences(*data),
        "metrics": [
            {"metric": label, **{side: entries.get(key) for side, entries in metrics.items()}}
            for key, label in labels.items()
        ],
        "environment": differences(first.environment, second.environment),
    }


def difference_tables(first: RunRecord, second: RunRecord) -> list[Table]:
    """The differences of config and environment, and all metrics, as three tables of one form."""
    document = difference_document(first, second)
    metrics = [
        {"key": f"{entry['metric']} {which}"} | {side: text_of((entry[side] or {}).get(which)) or "-" for side in SIDES}
        for entry in document["metrics"]
        for which in ("last", "best")
    ]
    heads, tables = [run.folder.resolve().name for run in (first, second)], []
    for title, entries in (document | {"metrics": metrics}).items():
        if title in ("config", "metrics", "environment"):
            rows = [[entry["key"], *(_text(entry, side) for side in SIDES)] for entry in entries]
            tables.append(Table(texts(title, *heads), rows, notes=[] if rows else ["no difference"]))
    return tables


def _text(entry: dict, side: str) -> str:
    return exact(entry[side]) or "null" if side in entry else "-"

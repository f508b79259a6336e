"""The differences between two runs."""

from collections.abc import Iterator

from ganlab.reports.averages import metric_keys, metric_of
from ganlab.reports.metric_names import label_metrics
from ganlab.reports.table import Table, exact, numbers, texts
from ganlab.runs.records import RunRecord

DIFFERENCE_FORMAT = 1
SIDES = ("first", "second")
WHICH = ("last", "best")


def flatten(value, keys: str = "") -> Iterator[tuple[str, object]]:
    """Every leaf of nested mappings and lists under its key, as in `generator.layers[3].Conv2D.filters`."""
    if isinstance(value, dict) and value:
        for key, entry in value.items():
            yield from flatten(entry, f"{keys}.{key}" if keys else str(key))
    elif isinstance(value, list) and value:
        for index, entry in enumerate(value):
            yield from flatten(entry, f"{keys}[{index}]")
    else:
        yield keys, value


def differences(first: dict, second: dict) -> list[dict]:
    """`{key, first, second}` for every key whose values differ; a side without the key has no entry."""
    sides = {name: dict(flatten(side)) if side else {} for name, side in zip(SIDES, (first, second), strict=True)}
    found = []
    for key in dict.fromkeys(key for side in sides.values() for key in side):
        values = {name: side[key] for name, side in sides.items() if key in side}
        if len(values) == 1 or len(set(map(repr, values.values()))) == 2:
            found.append({"key": key, **values})
    return found


def difference_document(first: RunRecord, second: RunRecord) -> dict:
    """All differences as plain data; metrics side by side, each protocol for itself."""
    runs = {"first": first, "second": second}
    labels = label_metrics(metric_keys(runs.values()))
    return {
        "format": DIFFERENCE_FORMAT,
        "runs": [str(first.folder), str(second.folder)],
        "config": differences(first.config, second.config),
        "metrics": [
            {"metric": label, **{side: metric_of(run, key) for side, run in runs.items()}}
            for key, label in labels.items()
        ],
        "environment": differences(first.environment, second.environment),
    }


def difference_tables(first: RunRecord, second: RunRecord) -> list[Table]:
    """The same as three tables."""
    document = difference_document(first, second)
    heads = [run.folder.resolve().name for run in (first, second)]
    tables = [_keys(title, document[title], heads) for title in ("config", "environment")]
    if document["metrics"]:
        columns = [*texts("metric"), *numbers(*(f"{head} {which}" for head in heads for which in WHICH))]
        rows = [
            [entry["metric"], *((entry[side] or {}).get(which) for side in SIDES for which in WHICH)]
            for entry in document["metrics"]
        ]
        tables.insert(1, Table(columns, rows))
    return tables


def _keys(title: str, entries: list[dict], heads: list[str]) -> Table:
    rows = [
        [entry["key"], *(exact(entry[side]) or "null" if side in entry else "-" for side in SIDES)] for entry in entries
    ]
    return Table(texts(title, *heads), rows, notes=[] if entries else ["no difference"])

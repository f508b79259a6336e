"""What differs between two runs."""

from collections.abc import Iterator

from ganlab.reports.averages import metric_keys
from ganlab.reports.metric_names import label_metrics
from ganlab.reports.table import Table, exact, number, numbers, texts
from ganlab.runs.records import RunRecord

DIFFERENCE_FORMAT = 1
SIDES = ("first", "second")


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
    """`{key, first, second}` for every key whose values differ; a side that lacks the key lacks the entry."""
    sides = [dict(flatten(first)) if first else {}, dict(flatten(second)) if second else {}]
    found = []
    for key in dict.fromkeys([*sides[0], *sides[1]]):
        values = {name: side[key] for name, side in zip(SIDES, sides, strict=True) if key in side}
        if len(values) == 1 or repr(values["first"]) != repr(values["second"]):
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
            {"metric": label, **{side: _metric(run, key) for side, run in runs.items()}}
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
        tables.insert(1, _metrics(document["metrics"], heads))
    return tables


def _metric(run: RunRecord, key: tuple) -> dict | None:
    metric = run.metrics.get(key[0])
    return metric if metric and metric["fingerprint"] == key[1] else None


def _keys(title: str, entries: list[dict], heads: list[str]) -> Table:
    leaves = [[exact(entry[side]) or "null" if side in entry else "-" for side in SIDES] for entry in entries]
    rows = [[entry["key"], *sides] for entry, sides in zip(entries, leaves, strict=True)]
    return Table(texts(title, *heads), rows, notes=[] if entries else ["no difference"])


def _metrics(entries: list[dict], heads: list[str]) -> Table:
    columns = [*texts("metric"), *numbers(*(f"{head} {which}" for head in heads for which in ("last", "best")))]
    values = [[(entry[side] or {}).get(which) for side in SIDES for which in ("last", "best")] for entry in entries]
    return Table(columns, [[entry["metric"], *map(number, row)] for entry, row in zip(entries, values, strict=True)])

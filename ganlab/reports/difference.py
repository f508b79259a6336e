"""What differs between two runs."""

from collections.abc import Iterator

from ganlab.reports.averages import metric_keys
from ganlab.reports.metric_names import label_metrics
from ganlab.reports.table import Table, exact, number, numbers, texts
from ganlab.runs.records import RunRecord

DIFFERENCE_FORMAT = 1


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
    missing = object()
    found = []
    for key in dict.fromkeys([*sides[0], *sides[1]]):
        values = [side.get(key, missing) for side in sides]
        if repr(values[0]) != repr(values[1]):
            named = zip(("first", "second"), values, strict=True)
            found.append({"key": key, **{side: value for side, value in named if value is not missing}})
    return found


def difference_document(first: RunRecord, second: RunRecord) -> dict:
    """All differences as plain data; metrics side by side, each protocol for itself."""
    keys = metric_keys([first, second])
    labels = label_metrics(keys)
    return {
        "format": DIFFERENCE_FORMAT,
        "runs": [str(first.folder), str(second.folder)],
        "config": differences(first.config, second.config),
        "metrics": [
            {"metric": labels[key], "first": _metric(first, key), "second": _metric(second, key)} for key in keys
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
    rows = [[entry["key"], *(_leaf(entry, side) for side in ("first", "second"))] for entry in entries]
    notes = [] if entries else ["no difference"]
    return Table(texts(title, *heads), rows, notes=notes)


def _leaf(entry: dict, side: str) -> str:
    return exact(entry[side]) or "null" if side in entry else "-"


def _metrics(entries: list[dict], heads: list[str]) -> Table:
    columns = [*texts("metric"), *numbers(*(f"{head} {which}" for head in heads for which in ("last", "best")))]
    rows = []
    for entry in entries:
        sides = [entry[side] or {"last": None, "best": None} for side in ("first", "second")]
        rows.append([entry["metric"], *(number(side[which]) for side in sides for which in ("last", "best"))])
    return Table(columns, rows)

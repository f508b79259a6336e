"""Checks of the two files that grow by lines while a run trains: history.csv and metrics.jsonl."""

import json
import math
from collections.abc import Iterator
from pathlib import Path

_MAY_BE_EMPTY = ("penalty", "diversity", "recall")  # measured in some steps only


def check_history(path: Path, finite: bool, whole: bool) -> Iterator[str]:
    """Lines about what is wrong in a history.

    Args:
        path: of the file; one that is missing is empty.
        finite: whether every value must be finite.
        whole: whether a torn last line is damage; an unfinished run cuts it off when it goes on.
    """
    lines = _lines(path, whole)
    columns = lines[0].split(",") if lines else ["step", "seconds"]
    if columns[0] != "step" or columns[-1] != "seconds":
        yield f"{path.name}: line 1: expected the columns' names, step first and seconds last"
        return
    for number, line in enumerate(lines[1:], 1):
        values = line.split(",")
        if values[0] != str(number):
            yield f"{path.name}: line {number + 1}: expected step {number}, received {values[0][:20]!r}"
            return  # everything after it is off as well
        if len(values) != len(columns):
            yield f"{path.name}: line {number + 1}: {len(values)} values for {len(columns)} columns"
            return
        for column, value in zip(columns, values, strict=True):
            if not _is_number(value, finite) and not (value == "" and column in _MAY_BE_EMPTY):
                yield f"{path.name}: line {number + 1}: {column}: received {value[:20]!r}"
                return


def check_metrics(path: Path, rows: int, whole: bool, summary: dict | None) -> Iterator[str]:
    """Lines about what is wrong in the metrics.

    Args:
        path: of the file; one that is missing is empty.
        rows: steps that the history has.
        whole: as for `check_history`.
        summary: of the run, whose values must be among these; None if there is none.
    """
    values: dict[str, set] = {}
    for number, line in enumerate(_lines(path, whole), 1):
        try:
            entry = json.loads(line)
            name, step, value = entry["name"], entry["step"], entry["value"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            yield f"{path.name}: line {number}: damaged: {error}"
            return
        if type(name) is not str or type(value) not in (int, float):
            yield f"{path.name}: line {number}: damaged: it is no metric value"
            return
        if type(step) is not int or not 1 <= step <= rows or not _is_number(value, True):
            yield f"{path.name}: line {number}: {name} {value} at step {step} of {rows}"
        values.setdefault(name, set()).add(value)
    for name, metric in (summary or {}).get("metrics", {}).items():
        if not {metric["last"], metric["best"]} - {None} <= values.get(name, set()):
            yield f"{path.name}: has not the values of {name} that the summary has"


def _lines(path: Path, whole: bool) -> list[str]:
    """The lines that are whole. Of those that are not, the last one may be left out."""
    if not path.exists():
        return []
    *lines, torn = path.read_text(encoding="utf-8").split("\n")
    return [*lines, torn] if torn and whole else lines


def _is_number(value: object, finite: bool) -> bool:
    try:
        return not finite or math.isfinite(float(value))
    except (TypeError, ValueError, OverflowError):
        return False

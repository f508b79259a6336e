"""Writes, reads and checks the two files that grow while a run trains: history.csv and metrics.jsonl."""

import contextlib
import dataclasses
import json
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganlab.errors import GanlabError
from ganlab.metrics.names import better
from ganlab.storage.writing import append_bytes, append_text, naming, permit

if TYPE_CHECKING:
    import numpy as np

    from ganlab.runs.folder import RunFolder
    from ganlab.training.stages import Column

# A history may be read without its config. These columns are measured in some steps only.
_ALWAYS_OPTIONAL = ("penalty", "diversity", "recall")
# Columns that earlier versions did not write.
_ADDED = ("d_generator",)
# Two values of one name can be compared only if these are equal.
_PROTOCOL = ("fingerprint", "weight_hash", "real_data")


class HistoryFile:
    """Appends rows to history.csv: step, the objective's columns, columns of health checks, seconds.

    A run keeps the columns with which an earlier version began it.

    Args:
        path: of the file; a missing file is created with its heading.
        columns: of the objective.
        looked: names of the columns of health checks.

    Raises: GanlabError if the file has other columns, such as a config with other `histograms` would have.
    """

    def __init__(self, path: Path, columns: "Sequence[Column]", looked: Sequence[str]):
        self.path, self.columns, self.looked = path, columns, looked
        self.kept = list(range(len(columns)))
        heading = self._heading()
        new = not path.exists()
        self.file = path.open("ab", buffering=0)
        if new:
            self._write([heading])
            return
        with path.open(encoding="utf-8") as file:
            found = file.readline().rstrip("\n")
        begun = found.split(",")
        self.kept = [place for place, column in enumerate(columns) if column.name not in _ADDED or column.name in begun]
        if found != self._heading():
            raise GanlabError(
                f"{path}: has the columns {found}; this version of ganlab and this config write {heading}. Start with --fresh"
            )

    def append(self, last: int, rows: "np.ndarray", seen: Mapping[int, Mapping[str, float]], seconds: float) -> None:
        """Appends the rows of a chunk.

        Args:
            last: the step of the last row.
            rows: shape (steps, columns).
            seen: step -> the values of its health check.
            seconds: of the whole chunk.
        """
        each = f"{seconds / len(rows):.6g}"
        lines = []
        for step, row in enumerate(rows.tolist(), last - len(rows) + 1):
            values = [_text(row[place], self.columns[place].optional) for place in self.kept]
            looks = seen.get(step, {})
            values += [f"{looks[name]:.4g}" if name in looks else "" for name in self.looked]
            lines.append(",".join([str(step), *values, each]))
        self._write(lines)

    def _heading(self) -> str:
        return ",".join(["step", *(self.columns[place].name for place in self.kept), *self.looked, "seconds"])

    def _write(self, lines: list[str]) -> None:
        permit(self.path)
        with naming(self.path):
            append_bytes(self.file, "".join(f"{line}\n" for line in lines).encode())


def _text(value: float, optional: bool) -> str:
    return "" if optional and math.isnan(value) else f"{value:.6g}"


def read_history(path: Path, rows: int | None = None) -> "dict[str, np.ndarray]":
    """Column name -> float64 array with one value a step; NaN if the step has no value.

    Args:
        path: of history.csv.
        rows: how many to read, from a file that grows meanwhile; all by default.
    """
    import numpy as np
    import pandas

    table = pandas.read_csv(path, dtype=np.float64, nrows=rows)
    return {name: table[name].to_numpy() for name in table.columns}


def append_metrics(path: Path, step: int, values: Sequence[Any], seconds: float) -> None:
    """Appends a line to metrics.jsonl for each `MetricValue` of a step."""
    lines = [{"step": step, **dataclasses.asdict(value), "seconds": round(seconds, 3)} for value in values]
    append_text(path, "".join(json.dumps(line, allow_nan=False) + "\n" for line in lines))


def read_metrics(path: Path) -> list[dict]:
    """The lines of metrics.jsonl, the last one for each step and name; [] if there is no file.

    Raises: GanlabError for a line that is no metric value. Torn lines are left out.
    """
    if not path.exists():
        return []
    values = {}
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        if not line.endswith("}"):
            continue
        if (value := _metric_value(line)) is None:
            raise GanlabError(f"{path}: damaged: line {number} is no metric value")
        values[value["step"], value["name"]] = value
    return list(values.values())


def _metric_value(line: str) -> dict | None:
    """A line of metrics.jsonl, or None if it has no step, name and value."""
    with contextlib.suppress(ValueError, LookupError, TypeError, RecursionError):
        read = json.loads(line)
        if type(read["step"]) is int and type(read["name"]) is str and type(read["value"]) in (int, float):
            return read
    return None


def metric_table(folder: "RunFolder", finished: int | None = None) -> dict[str, dict]:
    """name -> last, sd (the deviation of `last` over splits), best, best_step, floor, `_PROTOCOL`, from the lines of metrics.jsonl.

    Values of another protocol than the newest step's are left out: `best` would be chosen among values that cannot be compared.

    Args:
        folder: of the run.
        finished: the last step of a finished run; a metric without a value there has no `last` value. None for a run that
            has not finished: its `last` value is the newest.
    """
    lines: dict[str, list[dict]] = {}
    for line in sorted(read_metrics(folder.metrics), key=lambda line: line["step"]):
        lines.setdefault(line["name"], []).append(line)
    return {name: _entry(found, finished) for name, found in lines.items()}


def _entry(lines: list[dict], finished: int | None) -> dict:
    """The table's entry of one name; the lines are in the order of their steps."""
    newest = lines[-1]
    protocol = {key: newest.get(key) for key in _PROTOCOL}
    # Earlier versions did not write all keys.
    alike = [line for line in lines if all(line.get(key, value) == value for key, value in protocol.items())]
    choose = min if better(newest["name"]) == "lower" else max
    best = choose(alike, key=lambda line: line["value"])  # the first of equal values
    last = newest["value"] if finished in (None, newest["step"]) else None
    details = newest.get("details")
    sd = details.get("sd") if isinstance(details, dict) and last is not None else None
    entry = {"best": best["value"], "best_step": best["step"], "floor": newest.get("floor")}
    return entry | {"floor_n": newest.get("floor_n"), **protocol, "last": last, "sd": sd}


def best_step(folder: "RunFolder") -> int | None:
    """The step at which the first metric of the config was best, or None."""
    lines = read_metrics(folder.metrics)
    return metric_table(folder)[lines[0]["name"]]["best_step"] if lines else None


def check_history(path: Path, rows: int, finite: bool, whole: bool, optional: Collection[str] = ()) -> Iterator[str]:
    """Lines about damage in a history.

    Args:
        path: of the file; a missing file counts as empty.
        rows: the number of its whole rows, as `RunFolder.history_steps` counts them.
        finite: whether every value must be finite.
        whole: whether a torn last line is damage; an unfinished run cuts the line off when it continues.
        optional: columns that may be empty in some steps.
    """
    heading, *lines = _lines(path, whole) or ["step,seconds"]
    columns = heading.split(",")
    if columns[0] != "step" or columns[-1] != "seconds":
        yield f"{path.name}: line 1: expected the names of columns, step first and seconds last"
        return
    for number, line in enumerate(lines[:rows], 1):
        for column, value in zip(columns, line.split(","), strict=True):
            is_blank = value == "" and column in (*_ALWAYS_OPTIONAL, *optional)
            if not is_blank and not _is_number(value, finite):
                yield f"{path.name}: line {number + 1}: {column}: received {value[:20]!r}"
                return
    if len(lines) > rows:
        yield f"{path.name}: line {rows + 2}: expected the row of step {rows + 1}, received {lines[rows][:60]!r}"


def check_metrics(path: Path, rows: int, whole: bool, summary: dict | None) -> Iterator[str]:
    """Lines about damage in the metrics.

    Args:
        path: of the file; a missing file counts as empty.
        rows: the number of steps in the history.
        whole: as for `check_history`.
        summary: of the run, whose values must be in the file; None if there is none.
    """
    values: dict[str, set] = {}
    for number, line in enumerate(_lines(path, whole), 1):
        if (read := _metric_value(line)) is None:
            yield f"{path.name}: line {number}: damaged: it is no metric value"
            return
        name, step, value = read["name"], read["step"], read["value"]
        if not 1 <= step <= rows or not _is_number(value, True):
            yield f"{path.name}: line {number}: {name} {value} at step {step} of {rows}"
        values.setdefault(name, set()).add(value)
    for name, metric in (summary or {}).get("metrics", {}).items():
        if not {metric["last"], metric["best"]} - {None} <= values.get(name, set()):
            yield f"{path.name}: does not have the values of {name} in the summary"


def _lines(path: Path, whole: bool) -> list[str]:
    """The lines of a file; with `whole`, a last line without its end, too."""
    if not path.exists():
        return []
    *lines, torn = path.read_text(encoding="utf-8", errors="replace").split("\n")
    return [*lines, torn] if torn and whole else lines


def _is_number(value: object, finite: bool) -> bool:
    try:
        return not finite or math.isfinite(float(value))
    except (ValueError, OverflowError):
        return False

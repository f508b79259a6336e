"""The two files that grow while a run trains, history.csv and metrics.jsonl: written, read and checked here.

Loads neither pandas nor a framework when imported.
"""

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

# Columns of histories whose config is not at hand: these are measured in some steps only.
_ALWAYS_OPTIONAL = ("penalty", "diversity", "recall")


class HistoryFile:
    """Appends rows to history.csv: step, the objective's columns, what health saw, seconds.

    Args:
        path: of the file; it is made with its heading if it is not there.
        columns: of the objective.
        looked: names of what health measures.

    Raises: GanlabError if the file has other columns, as one that another version of ganlab began.
    """

    def __init__(self, path: Path, columns: "Sequence[Column]", looked: Sequence[str]):
        self.path, self.columns, self.looked = path, columns, looked
        heading = ",".join(["step", *(column.name for column in columns), *looked, "seconds"])
        new = not path.exists()
        self.file = path.open("ab", buffering=0)
        if new:
            self._write([heading])
            return
        with path.open(encoding="utf-8") as file:
            found = file.readline().rstrip("\n")
        if found != heading:
            raise GanlabError(
                f"{path}: has the columns {found}; this version of ganlab writes {heading}. Start with --fresh"
            )

    def append(self, last: int, rows: "np.ndarray", seen: Mapping[int, Mapping[str, float]], seconds: float) -> None:
        """Appends the rows of a chunk.

        Args:
            last: the step of the last row.
            rows: shape (steps, columns).
            seen: step -> what health measured then.
            seconds: of the whole chunk.
        """
        each = f"{seconds / len(rows):.6g}"
        lines = []
        for step, row in enumerate(rows.tolist(), last - len(rows) + 1):
            values = [_text(value, column.optional) for value, column in zip(row, self.columns, strict=True)]
            looks = seen.get(step, {})
            values += [f"{looks[name]:.4g}" if name in looks else "" for name in self.looked]
            lines.append(",".join([str(step), *values, each]))
        self._write(lines)

    def _write(self, lines: list[str]) -> None:
        permit(self.path)
        with naming(self.path):
            append_bytes(self.file, "".join(f"{line}\n" for line in lines).encode())


def _text(value: float, optional: bool) -> str:
    return "" if optional and math.isnan(value) else f"{value:.6g}"


def read_history(path: Path) -> "dict[str, np.ndarray]":
    """Column name -> float64 array, a value a step; NaN where nothing was measured."""
    import numpy as np
    import pandas

    table = pandas.read_csv(path, dtype=np.float64)
    return {name: table[name].to_numpy() for name in table.columns}


def training_seconds(path: Path) -> tuple[int, float]:
    """(steps, seconds spent in them) of a history."""
    seconds, steps = 0.0, 0
    with path.open(encoding="utf-8") as file:
        next(file)
        for line in file:
            seconds += float(line.rsplit(",", 1)[1])
            steps += 1
    return steps, seconds


def append_metrics(path: Path, step: int, values: Sequence[Any], seconds: float) -> None:
    """Appends one line a `MetricValue` of one step to metrics.jsonl."""
    lines = [{"step": step, **dataclasses.asdict(value), "seconds": round(seconds, 3)} for value in values]
    append_text(path, "".join(json.dumps(line, allow_nan=False) + "\n" for line in lines))


def read_metrics(path: Path) -> list[dict]:
    """The lines of metrics.jsonl, the last one of a step and name counting; [] where there is no file.

    Raises: GanlabError for a line that is no metric value; a torn one is passed over.
    """
    if not path.exists():
        return []
    values = {}
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        if not line.endswith("}"):
            continue
        try:
            read = json.loads(line)
            step, name, value = (read[key] for key in ("step", "name", "value"))
        except (ValueError, LookupError, TypeError, RecursionError):
            step = name = value = None
        if type(step) is not int or type(name) is not str or type(value) not in (int, float):
            raise GanlabError(f"{path}: damaged: line {number} is no metric value")
        values[step, name] = read
    return list(values.values())


def best_step(folder: "RunFolder") -> int | None:
    """The step at which the first metric of the config was best, or None."""
    lines = read_metrics(folder.metrics)
    if not lines:
        return None
    first = [line for line in lines if line["name"] == lines[0]["name"]]
    choose = min if better(first[0]["name"]) == "lower" else max
    return choose(first, key=lambda line: line["value"])["step"]


def check_history(path: Path, finite: bool, whole: bool, optional: Collection[str] = ()) -> Iterator[str]:
    """Lines about what is wrong in a history.

    Args:
        path: of the file; one that is missing is empty.
        finite: whether every value must be finite.
        whole: whether a torn last line is damage; an unfinished run cuts it off when it goes on.
        optional: columns that may be empty in some steps.
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
            if not _is_number(value, finite) and not (value == "" and column in (*_ALWAYS_OPTIONAL, *optional)):
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

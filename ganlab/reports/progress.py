"""How far an unfinished run is, read from the end of its history."""

import math
from dataclasses import dataclass
from pathlib import Path

from ganlab.reports.table import duration, number
from ganlab.runs.folder import RunFolder
from ganlab.runs.records import RunRecord

_TAIL = 16_384  # bytes; some hundred rows
_RATE_OVER = 50  # rows
_MOST = 1e12  # a step or a number of seconds beyond it comes from a damaged file


@dataclass(frozen=True)
class Progress:
    """The last step of a run, of how many steps, its steps per second, its losses and the seconds left."""

    step: int
    steps: int | None
    steps_per_second: float | None
    losses: dict[str, float]
    seconds_left: float | None

    def __str__(self) -> str:
        told = [f"step {self.step}" + (f" of {self.steps}" if self.steps else "")]
        told += [f"{number(self.steps_per_second)} steps/s"] if self.steps_per_second else []
        told += [f"{name} {number(value)}" for name, value in self.losses.items()]
        return ", ".join(told + ([] if self.seconds_left is None else [f"{duration(self.seconds_left)} left"]))


def progress_of(run: RunRecord) -> Progress | None:
    """The progress of a run that is not finished; None for a finished run."""
    if run.finished:
        return None
    columns, rows = last_rows(run.folder)
    steps, last = run.status.get("steps"), dict(zip(columns, rows[-1], strict=True)) if rows else {}
    step = int(last.get("step", 0))
    timed = [row for row in rows[-_RATE_OVER:] if row[0] > 1]  # the first step compiles
    seconds = [row[columns.index("seconds")] for row in timed] if "seconds" in columns else []
    rate = len(seconds) / sum(seconds) if 0 < sum(seconds) < _MOST else None
    losses = {name: value for name, value in last.items() if name.endswith("loss")}
    is_known = rate is not None and steps is not None and step <= steps < _MOST
    left = (steps - step) / rate if is_known else math.inf
    return Progress(step, steps, rate, losses, left if left < _MOST else None)


def trace_of(run: RunRecord) -> tuple:
    """A value that changes when the run writes a row of its history, a metric, its status or its summary."""
    files = RunFolder(run.folder)
    paths = (files.status_file, files.history, files.metrics, files.summary)
    return run.folder, *(path.stat().st_mtime_ns if path.is_file() else None for path in paths)


def last_rows(folder: Path) -> tuple[list[str], list[list[float]]]:
    """Columns and the last whole rows of a run's history; none before its first step."""
    try:
        with RunFolder(folder).history.open("rb") as file:
            columns = file.readline().decode("utf-8", "replace").strip().split(",")
            start = max(file.tell(), file.seek(0, 2) - _TAIL)
            file.seek(start)
            lines = file.read().decode("utf-8", "replace").split("\n")[:-1]  # a last line without its end is torn
    except OSError:
        return [], []
    rows = []
    for line in reversed(lines):
        try:
            row = [float(value) if value else math.nan for value in line.split(",")]
        except ValueError:  # the first line may be the end of a longer one
            break
        if len(row) != len(columns) or not 1 <= row[0] < _MOST:
            break
        rows.insert(0, row)
    return columns, rows

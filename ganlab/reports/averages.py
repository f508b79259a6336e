"""Cells: the runs that differ only in their seed, and their means."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from ganlab.reports.metric_names import MetricKey
from ganlab.runs.records import RunRecord


@dataclass(frozen=True)
class Statistic:
    """A mean over seeds; sd is the sample standard deviation (divided by n - 1), None below two values."""

    mean: float | None
    sd: float | None
    n: int


@dataclass(frozen=True)
class MetricSummary:
    """One metric of a cell, over its finished runs."""

    last: Statistic  # of the values at the end of training
    best: Statistic  # of each run's best value
    best_steps: list[int]  # the steps of those best values, one a run
    floors: list[float]  # the distinct values between two real samples
    floor_ns: list[int]  # the distinct sample sizes of those floors, where the run wrote them


@dataclass(frozen=True)
class Cell:
    """All runs of one experiment on one data set."""

    cell: str | None
    dataset: str
    runs: list[RunRecord]  # in any state
    averaged: list[RunRecord]  # the runs behind the means: finished, and one for each identity
    metrics: dict[MetricKey, MetricSummary]  # one for each protocol that any averaged run has

    @property
    def name(self) -> str:
        """The name of its runs, or their names: names are not part of a cell's identity."""
        return ", ".join(dict.fromkeys(run.name for run in self.runs))

    @property
    def described(self) -> dict:
        """The summary that gives the cell's hyperparameters; {} while no run has one."""
        return next((run.summary for run in self.averaged or self.runs if run.summary), {})

    def facts(self) -> dict:
        """What every format tells of a cell before its metrics."""
        return {
            "cell": self.cell,
            "name": self.name,
            "family": ", ".join(dict.fromkeys(run.family for run in self.runs)),
            "dataset": self.dataset,
            "n": len(self.averaged),
            "seeds": [run.seed for run in self.averaged],
            "status": _counted([run.state for run in self.runs]),
            "verdict": _counted([run.verdict for run in self.runs if run.verdict]),
        }

    def cost(self, key: str) -> Statistic:
        """The statistic of a number of the summaries, as `seconds`."""
        return summarize([run.summary[key] for run in self.averaged])


def summarize(values: Iterable[float | None]) -> Statistic:
    """Mean and sample standard deviation, without the values that are None."""
    values = [value for value in values if value is not None]
    n = len(values)
    if n == 0:
        return Statistic(None, None, 0)
    mean = math.fsum(values) / n if all(map(math.isfinite, values)) else sum(values) / n
    squares = sum((value - mean) * (value - mean) for value in values)
    return Statistic(mean, math.sqrt(squares / (n - 1)) if n > 1 else None, n)


def group_cells(records: Iterable[RunRecord]) -> list[Cell]:
    """Groups runs by data set and cell, in order of first appearance; a run without a cell yet is one of its own."""
    groups: dict[tuple, list[RunRecord]] = {}
    for record in records:
        groups.setdefault((record.dataset, record.cell or record.folder), []).append(record)
    return [_cell(runs) for runs in groups.values()]


def metric_keys(records: Iterable[RunRecord]) -> list[MetricKey]:
    """Every protocol the runs were measured by, in order of first appearance."""
    return list(dict.fromkeys((name, m["fingerprint"]) for run in records for name, m in run.metrics.items()))


def metric_of(run: RunRecord, key: MetricKey) -> dict | None:
    """A run's entry of one protocol; None where it has none."""
    metric = run.metrics.get(key[0])
    return metric if metric and metric["fingerprint"] == key[1] else None


def _cell(runs: list[RunRecord]) -> Cell:
    # `--fresh` repeats a run with the same random numbers: counting both would shrink the deviation. Folder names
    # sort repetitions after the first run, so the newest one counts.
    averaged = list({run.summary["identity"]: run for run in runs if run.finished}.values())
    metrics = {key: _metric([m for run in averaged if (m := metric_of(run, key))]) for key in metric_keys(averaged)}
    return Cell(runs[0].cell, runs[0].dataset, runs, averaged, metrics)


def _metric(values: list[dict]) -> MetricSummary:
    def distinct(field: str) -> list:
        return list(dict.fromkeys(m[field] for m in values if m.get(field) is not None))

    return MetricSummary(
        last=summarize(m["last"] for m in values),
        best=summarize(m["best"] for m in values),
        best_steps=[m["best_step"] for m in values if m["best_step"] is not None],
        floors=distinct("floor"),
        floor_ns=distinct("floor_n"),
    )


def _counted(words: list[str]) -> str:
    """`finished` for one, `2 finished, 1 diverged` for several."""
    return words[0] if len(words) == 1 else ", ".join(f"{count} {word}" for word, count in Counter(words).items())

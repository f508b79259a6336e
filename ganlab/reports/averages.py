"""Cells: runs that differ only in their seed, and their means."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from ganlab.reports.metric_names import MetricKey
from ganlab.reports.table import spread
from ganlab.runs.records import RunRecord, by_name


@dataclass(frozen=True)
class Statistic:
    """A mean over seeds; sd is the sample standard deviation (divided by n - 1), None below two values."""

    mean: float | None
    sd: float | None
    n: int

    def __str__(self) -> str:
        return f"{spread(self.mean, self.sd)} ({self.n})" if self.n else ""


@dataclass(frozen=True)
class MetricSummary:
    """One metric of a cell, over its finished runs."""

    last: Statistic  # of the values at the last step
    best: Statistic  # of each run's best value
    best_steps: list[int]  # of these best values
    floors: list[float]  # the distinct values between two real samples
    floor_ns: list[int]  # the distinct sizes of these samples, if the runs have them


@dataclass(frozen=True)
class Cell:
    """All runs of one experiment on the same data."""

    cell: str | None
    dataset: str
    runs: list[RunRecord]  # in any state
    averaged: list[RunRecord]  # the runs behind the means: finished, and one for each identity
    metrics: dict[MetricKey, MetricSummary]  # an entry for each metric that an averaged run has

    @property
    def name(self) -> str:
        """The name of the runs, or their names: a name is no part of a cell's identity."""
        return ", ".join(dict.fromkeys(run.name for run in self.runs))

    @property
    def data(self) -> str | None:
        """Fingerprint of the training images."""
        return data_of(self.runs[0]) if self.runs else None

    @property
    def described(self) -> dict:
        """The summary that gives the cell's hyperparameters; {} before a run has one."""
        return next((run.summary for run in self.averaged or self.runs if run.summary), {})

    def facts(self) -> dict:
        """The columns that all formats have before the metrics."""
        return {
            "dataset": self.dataset,
            "cell": self.cell,
            "name": self.name,
            "family": ", ".join(dict.fromkeys(run.family for run in self.runs)),
            "n": len(self.averaged),
            "seeds": [run.seed for run in self.averaged],
            "status": _counted([run.state for run in self.runs]),
            "verdict": _counted([run.verdict for run in self.runs if run.verdict]),
        }

    def cost(self, key: str) -> Statistic:
        """The statistic of a number of the summaries, such as `seconds`."""
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
    """Groups runs by data set and cell, in order of first appearance. A run that has no cell yet is its own cell."""
    groups: dict[tuple, list[RunRecord]] = {}
    for record in records:
        groups.setdefault((record.dataset, record.cell or record.folder), []).append(record)
    return [_cell(runs) for runs in groups.values()]


def data_of(run: RunRecord) -> str | None:
    """Fingerprint of the training images of a run; None if the run does not say it."""
    return run.status.get("data_fingerprint")


def labels_of(run: RunRecord) -> str | None:
    """Fingerprint of the labels that a run was trained on; None if they are the published ones, or were not read."""
    return run.status.get("label_fingerprint")


def metrics_of(run: RunRecord) -> dict[MetricKey, dict]:
    """The metrics of a run's summary, by their keys."""
    data = data_of(run)
    return {metric_key(name, entry, data): entry for name, entry in run.metrics.items()}


def metric_key(name: str, entry: dict, data: str | None) -> MetricKey:
    """The key of an entry of a summary, or of a line of metrics.jsonl; `data` is the fingerprint of the training images.

    Earlier versions wrote no `real_data`. Their values and ours meet where the real data are the training images.
    """
    real = entry.get("real_data")
    return MetricKey(name, entry.get("fingerprint"), data, entry.get("weight_hash"), None if real == data else real)


def _cell(runs: list[RunRecord]) -> Cell:
    # `--fresh` repeats a run with the same random numbers: counting both would shrink the deviation. Folder names
    # sort repetitions after the first run, so the newest one counts.
    in_order = sorted(runs, key=lambda run: by_name(run.folder))
    averaged = list({run.summary["identity"]: run for run in in_order if run.finished}.values())
    entries: dict[MetricKey, list[dict]] = {}
    for run in averaged:
        for key, entry in metrics_of(run).items():
            entries.setdefault(key, []).append(entry)
    return Cell(runs[0].cell, runs[0].dataset, runs, averaged, {key: _metric(found) for key, found in entries.items()})


def _metric(entries: list[dict]) -> MetricSummary:
    def distinct(field: str) -> list:
        return list(dict.fromkeys(entry[field] for entry in entries if entry.get(field) is not None))

    return MetricSummary(
        last=summarize(entry["last"] for entry in entries),
        best=summarize(entry["best"] for entry in entries),
        best_steps=[entry["best_step"] for entry in entries if entry["best_step"] is not None],
        floors=distinct("floor"),
        floor_ns=distinct("floor_n"),
    )


def _counted(words: list[str]) -> str:
    """`finished` for one word, `2 finished, 1 diverged` for several."""
    return words[0] if len(words) == 1 else ", ".join(f"{count} {word}" for word, count in Counter(words).items())

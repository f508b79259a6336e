"""Estimates how long the rest of a sweep will take, from finished runs."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ganlab.runs.records import find_runs, read_runs
from ganlab.sweep.jobs import Job, steps_done


@dataclass(frozen=True)
class Estimate:
    """Seconds that are left, judged by the `steps` of runs of the same shape or by the `FLOPs` of others."""

    seconds: float
    basis: str


class CostModel:
    """Estimates from the finished runs in a results folder.

    Runs of the same shape (data, backend and operations a step) tell best. Otherwise the operations are divided by the
    median speed of all runs of the backend. Dense and convolutional networks differ in speed by several times, so this
    estimate separates minutes from hours and no more. The time of metrics and start is added as those runs had it.
    """

    def __init__(self, results: Path):
        records, _ = read_runs(find_runs(results))
        finished = [record.summary for record in records if record.finished]
        needed = ("training_seconds", "flops_a_step", "steps")
        self.summaries = [summary for summary in finished if all(summary.get(key) for key in needed)]

    def estimate(self, job: Job) -> Estimate | None:
        """The time left of a job; None where no finished run helps."""
        known = [run for run in self.summaries if run.get("backend") == job.config.backend]
        if job.flops is None or not known:
            return None
        alike = [run for run in known if (run["flops_a_step"], run["dataset"]) == (job.flops, job.config.data.name)]
        if alike:
            a_step = statistics.median(run["training_seconds"] / run["steps"] for run in alike)
        else:
            speeds = [run["flops_a_step"] * run["steps"] / run["training_seconds"] for run in known]
            a_step = job.flops / statistics.median(speeds)
        left = job.steps - (0 if job.fresh else steps_done(job.folder))
        around = statistics.median(max(0.0, run["seconds"] - run["training_seconds"]) for run in alike or known)
        return Estimate(a_step * left + around, "steps" if alike else "FLOPs")


def duration(seconds: float) -> str:
    """Seconds as people read them: 8 s, 3 min 20 s, 2 h 05 min."""
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def total(estimates: Sequence[Estimate | None]) -> str:
    """A line with the sum of the estimates; '' where there is none."""
    known = [estimate.seconds for estimate in estimates if estimate is not None]
    if not known:
        return ""
    rest = f", and {len(estimates) - len(known)} that nothing tells about" if len(known) < len(estimates) else ""
    return f"about {duration(sum(known))} one after another{rest}"

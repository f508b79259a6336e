"""How long the runs of a sweep that are left will take, judged by runs that are finished."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ganlab.runs.records import RunRecord, find_runs, read_runs
from ganlab.sweep.jobs import Job, steps_done


@dataclass(frozen=True)
class Estimate:
    """Seconds that are left, and what they are judged by: `steps` of runs of the same shape, or `FLOPs`."""

    seconds: float
    basis: str


class CostModel:
    """Estimates from the finished runs in a results folder.

    The best witness is a run of the same shape: the same data, backend and operations a step. Else operations
    are divided by the median speed of all runs of that backend; dense and convolutional networks differ there by
    several times, so this tells minutes from hours and no more. Metrics and start are added as those runs had them.
    """

    def __init__(self, results: Path):
        records, _ = read_runs(find_runs(results))
        self.runs = [facts for record in records if (facts := _facts(record))]

    def estimate(self, job: Job) -> Estimate | None:
        """What is left of a job; None where no finished run can tell."""
        if job.flops is None:
            return None
        known = [run for run in self.runs if run["backend"] == job.config.backend]
        alike = [run for run in known if (run["flops"], run["dataset"]) == (job.flops, job.config.data.name)]
        if alike:
            a_step, basis = statistics.median(run["training"] / run["steps"] for run in alike), "steps"
        elif known:
            speed = statistics.median(run["flops"] * run["steps"] / run["training"] for run in known)
            a_step, basis = job.flops / speed, "FLOPs"
        else:
            return None
        left = job.steps - (0 if job.fresh else steps_done(job.folder))
        around = statistics.median(run["around"] for run in alike or known)
        return Estimate(a_step * left + around, basis)


def _facts(record: RunRecord) -> dict | None:
    """What a finished run tells about cost; None where its summary lacks it."""
    summary = record.summary or {}
    training, flops = summary.get("training_seconds"), summary.get("flops_a_step")
    if not (record.finished and training and flops and summary["steps"]):
        return None
    return {
        "backend": summary.get("backend"),
        "dataset": summary["dataset"],
        "flops": flops,
        "steps": summary["steps"],
        "training": training,
        "around": max(0.0, summary["seconds"] - training),
    }


def duration(seconds: float) -> str:
    """Seconds as people read them: 8 s, 3 min 20 s, 2 h 05 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def total(estimates: Sequence[Estimate | None]) -> str:
    """A line that sums estimates up; '' where there is none."""
    known = [estimate.seconds for estimate in estimates if estimate is not None]
    if not known:
        return ""
    rest = f", and {len(estimates) - len(known)} that nothing tells about" if len(known) < len(estimates) else ""
    return f"about {duration(sum(known))} one after another{rest}"

"""Estimates how long the rest of a sweep takes, from finished runs."""

import statistics
from pathlib import Path

from ganlab.runs.records import find_runs, read_runs
from ganlab.sweeps.jobs import Job, steps_done


class CostModel:
    """Estimates from the finished runs in a results folder."""

    def __init__(self, results: Path):
        records, _ = read_runs(find_runs(results))
        needed = ("training_seconds", "flops_a_step", "steps")
        summaries = [record.summary for record in records if record.finished]
        self.summaries = [summary for summary in summaries if all(summary.get(key) for key in needed)]

    def seconds_left(self, job: Job) -> float | None:
        """Seconds that are left of a job, judged by runs with the same data, backend and operations a step.

        The time of metrics and pictures is added as these runs had it. None if there is no such run.
        """
        shape = (job.config.data.name, job.config.backend, job.flops)
        alike = [run for run in self.summaries if (run["dataset"], run.get("backend"), run["flops_a_step"]) == shape]
        if not alike:
            return None
        a_step = statistics.median(run["training_seconds"] / run["steps"] for run in alike)
        around = statistics.median(max(0.0, run["seconds"] - run["training_seconds"]) for run in alike)
        return a_step * (job.steps - steps_done(job)) + around

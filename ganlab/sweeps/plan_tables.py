"""What a sweep is going to do, for `ganlab sweep --dry-run`: the state of each run and the time that is left."""

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ganlab.reports.table import Table, duration, numbers, texts
from ganlab.runs.records import find_runs, read_runs
from ganlab.sweeps.groups import Group
from ganlab.sweeps.jobs import Job, count_runs, steps_done


def plan_table(states: Mapping[Job, str], due: Sequence[Job], results: Path, groups: Sequence[Group]) -> Table:
    """A row for each run, with the time of those that are `due`, and the number of its group if it trains together with others."""
    left, group_of = dict.fromkeys(states) | seconds_left(due, results), _numbers(groups)
    columns = [*texts("run", "state"), *numbers("step", "time left"), *(numbers("group") if group_of else [])]
    rows = [
        [job.label, state, f"{steps_done(job)}/{job.steps}", "" if left[job] is None else duration(left[job])]
        + ([str(group_of.get(job, ""))] if group_of else [])
        for job, state in states.items()
    ]
    notes = [f"{count_runs(len(rows))}: {', '.join(f'{n} {state}' for state, n in Counter(states.values()).items())}"]
    known = [seconds for seconds in left.values() if seconds is not None]
    unknown = len(due) - len(known)
    if known:
        rest = f", and {count_runs(unknown)} that no finished run resembles" if unknown else ""
        notes.append(f"about {duration(sum(known))} one after another{rest}")
    return Table(columns, rows, notes=notes)


def plan_document(
    states: Mapping[Job, str], due: Sequence[Job], results: Path, groups: Sequence[Group]
) -> dict[str, Any]:
    """The same as plain data."""
    left, group_of = dict.fromkeys(states) | seconds_left(due, results), _numbers(groups)
    facts = ({"state": states[job], "seconds_left": left[job], "group": group_of.get(job)} for job in states)
    return {"format": 1, "runs": [job.describe() | found for job, found in zip(states, facts, strict=True)]}


def seconds_left(jobs: Sequence[Job], results: Path) -> dict[Job, float | None]:
    """Seconds that are left of each job, judged by finished runs with the same data, backend and operations a step.

    The time of metrics and pictures is added as these runs had it. None if there is no such run.
    """
    records, _ = read_runs(find_runs(results))
    summaries = [record.summary for record in records if record.finished]
    known = [run for run in summaries if all(map(run.get, ("training_seconds", "flops_a_step", "steps")))]
    left: dict[Job, float | None] = dict.fromkeys(jobs)
    for job in jobs:
        shape = (job.config.data.name, job.config.backend, job.flops)
        if alike := [run for run in known if (run["dataset"], run.get("backend"), run["flops_a_step"]) == shape]:
            a_step = statistics.median(run["training_seconds"] / run["steps"] for run in alike)
            around = statistics.median(max(0.0, run["seconds"] - run["training_seconds"]) for run in alike)
            left[job] = a_step * (job.steps - steps_done(job)) + around
    return left


def _numbers(groups: Sequence[Group]) -> dict[Job, int]:
    several = [jobs for jobs in groups if len(jobs) > 1]
    return {job: number for number, jobs in enumerate(several, 1) for job in jobs}

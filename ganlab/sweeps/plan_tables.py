"""What a sweep is going to do, for `ganlab sweep --dry-run`: the state of each run and the time that is left."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ganlab.reports.table import Table, duration, numbers, texts
from ganlab.sweeps.board import DONE
from ganlab.sweeps.cost import CostModel
from ganlab.sweeps.groups import Group
from ganlab.sweeps.jobs import Job, count_runs, steps_done


def plan_table(states: Mapping[Job, str], results: Path, groups: Sequence[Group]) -> Table:
    """A row for each run, with the number of its group if it trains together with others."""
    left, group_of = _seconds_left(states, results), _numbers(groups)
    columns = [*texts("run", "state"), *numbers("step", "time left"), *(numbers("group") if group_of else [])]
    rows = [
        [job.label, state, f"{steps_done(job)}/{job.steps}", "" if left[job] is None else duration(left[job])]
        + ([str(group_of.get(job, ""))] if group_of else [])
        for job, state in states.items()
    ]
    notes = [f"{count_runs(len(rows))}: {', '.join(f'{n} {state}' for state, n in Counter(states.values()).items())}"]
    known = [seconds for seconds in left.values() if seconds is not None]
    unknown = sum(state not in DONE for state in states.values()) - len(known)
    if known:
        rest = f", and {count_runs(unknown)} that no finished run resembles" if unknown else ""
        notes.append(f"about {duration(sum(known))} one after another{rest}")
    return Table(columns, rows, notes=notes)


def plan_document(states: Mapping[Job, str], results: Path, groups: Sequence[Group]) -> dict[str, Any]:
    """The same as plain data."""
    left, group_of = _seconds_left(states, results), _numbers(groups)
    facts = ({"state": states[job], "seconds_left": left[job], "group": group_of.get(job)} for job in states)
    return {"format": 1, "runs": [job.describe() | found for job, found in zip(states, facts, strict=True)]}


def _seconds_left(states: Mapping[Job, str], results: Path) -> dict[Job, float | None]:
    costs = CostModel(results)
    return {job: None if state in DONE else costs.seconds_left(job) for job, state in states.items()}


def _numbers(groups: Sequence[Group]) -> dict[Job, int]:
    several = [jobs for jobs in groups if len(jobs) > 1]
    return {job: number for number, jobs in enumerate(several, 1) for job in jobs}

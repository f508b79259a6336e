"""A job: one run of a sweep, its state and its steps so far."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganlab.config.schema import Config
from ganlab.errors import GanlabError
from ganlab.reports.progress import last_rows
from ganlab.runs.folder import RunFolder
from ganlab.runs.locks import holder_of

FAILED = ("failed", "diverged")
_DUE = ("new", "resumable", "running")  # running: in another process, and taken over if that one dies


@dataclass(frozen=True, eq=False)
class Job:
    """One run of a sweep."""

    config: Config
    cell: str
    identity: str
    steps: int  # of the whole training
    folder: Path
    fresh: bool = False  # whether it starts again beside an old run of the same identity
    flops: int | None = None  # operations of one step; None for a finished run, whose networks are not built
    lane: int | None = None  # bytes on the device, of one of several runs that train together; None as for flops
    convolves: bool = False  # whether a network has convolutions
    also_named: tuple[str, ...] = ()  # labels of further configs that describe the same run

    @property
    def label(self) -> str:
        return f"{self.config.name}-seed{self.config.seed}"

    def describe(self) -> dict[str, Any]:
        """The part of the job's JSON that does not change while the sweep runs."""
        return {
            "name": self.config.name,
            "seed": self.config.seed,
            "dataset": self.config.data.name,
            "cell": self.cell,
            "identity": self.identity,
            "also_named": list(self.also_named),
            "folder": str(self.folder),
            "steps": self.steps,
        }


def state_of(job: Job, results: Path) -> str:
    """new, finished, resumable, failed, diverged, or running (in any process).

    A fresh job is new until it runs, whatever its folder has.
    """
    try:
        status = {} if job.fresh else RunFolder(job.folder).status()
    except GanlabError:  # damaged; `ganlab run` names the damage
        return "failed"
    if status.get("status") == "finished":
        return "finished"
    if holder_of(results, job.identity):
        return "running"
    if not status:
        return "new"
    return status["status"] if status["status"] in FAILED else "resumable"


def is_due(state: str, rerun: str | None = None) -> bool:
    """Whether a sweep trains a job in this state; with `rerun`, failed jobs again."""
    return state in _DUE or (rerun is not None and state in FAILED)


def steps_done(job: Job) -> int:
    """The last whole step in a job's history; 0 before the first step."""
    _, rows = last_rows(job.folder)
    return int(rows[-1][0]) if rows else 0


def count_runs(count: int) -> str:
    """`1 run`, `2 runs`."""
    return f"{count} run{'s' * (count != 1)}"

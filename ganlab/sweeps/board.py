"""The state of each job of a sweep, shown as lines, on a terminal also as progress bars."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from ganlab.errors import SweepFailedError
from ganlab.reports.table import duration, printable
from ganlab.sweeps.jobs import FAILED, Job, count_runs, steps_done

# In the order in which `counts` names them. No file says "waiting", "pruned" or "elsewhere"; the others are states of runs.
ORDER = ("finished", "pruned", "running", "waiting", "stopped", "failed", "diverged", "elsewhere")
DONE = ("finished", "pruned")
_LOOK_EVERY = 1.0  # seconds
_LINE_EVERY = 60.0


@dataclass
class Entry:
    """A job's state (one of ORDER), the last message about it, and its last step."""

    state: str = "waiting"
    message: str = ""
    step: int = 0
    log: Path | None = None


class Board:
    """Keeps an entry for each job, and prints a line for each event.

    Args:
        jobs: all jobs, also those that were finished before the sweep.
        say: prints a line.
    """

    def __init__(self, jobs: Sequence[Job], say: Callable[[str], None]):
        self.entries = {job: Entry() for job in jobs}
        self.say = say
        self.is_stopping = False
        self.looked = self.told = time.monotonic()

    def known(self, job: Job, state: str, message: str = "") -> Entry:
        """Enters the state of a job that does not run now."""
        entry = self.entries[job]
        entry.state, entry.message, entry.step = state, message, steps_done(job)
        return entry

    def leave(self, states: Mapping[Job, str]) -> None:
        """Enters jobs that this sweep does not train, with their states."""
        for job, state in states.items():
            self.known(job, state, "" if state in DONE else "earlier")

    def started(self, job: Job, log: Path) -> None:
        """A process for the job has started."""
        entry = self.known(job, "running")
        entry.log = log
        place = f"{list(self.entries).index(job) + 1} of {len(self.entries)}"
        self.say(f"{job.label}: {f'goes on after step {entry.step}' if entry.step else 'started'} ({place})")

    def ended(self, job: Job, state: str, message: str, seconds: float | None = None) -> None:
        """The job's process has ended, or the run has ended in another process."""
        entry = self.known(job, state, message)
        if state == "finished":
            self.say(f"{job.label}: finished {message if seconds is None else f'in {duration(seconds)}'}")
        else:
            log = f" (full output: {entry.log})" if entry.log and state in FAILED else ""
            self.say(f"{job.label}: {state}: {printable(message)}{log}")

    def elsewhere(self, job: Job, holder: str) -> None:
        """Another process trains the job."""
        if self.entries[job].state != "elsewhere":
            self.say(f"{job.label}: {holder} trains this run; looking again later")
        self.entries[job].state, self.entries[job].message = "elsewhere", holder

    def stopping(self, signal: str | None, active: int) -> None:
        """The sweep stops, because of a signal or a failed run."""
        if not self.is_stopping:
            why = signal or "a run failed"
            hint = "; Ctrl-C again kills them" if signal == "SIGINT" else ""
            self.say(f"{why}: {active} of the runs save and stop{hint if active else ''}")
        self.is_stopping = True

    def tick(self) -> None:
        """Reads the steps of the running jobs, once a second. The executor calls this all the time."""
        now = time.monotonic()
        if now - self.looked < _LOOK_EVERY:
            return
        self.looked = now
        for job in self.running():
            self.entries[job].step = steps_done(job)
        self.show(now)

    def show(self, now: float) -> None:
        """Prints the steps of the running jobs, once a minute."""
        if now - self.told >= _LINE_EVERY and self.running():
            self.told = now
            steps = ", ".join(f"{job.label} {self.entries[job].step}/{job.steps}" for job in self.running())
            self.say(f"{self.counts()}: {steps}")

    def running(self) -> list[Job]:
        """The jobs that have a process now."""
        return [job for job, entry in self.entries.items() if entry.state == "running"]

    def has_failed(self) -> bool:
        """Whether a run failed that this sweep started."""
        return any(entry.log and entry.state in FAILED for entry in self.entries.values())

    def unfinished(self) -> dict[Job, Entry]:
        """The jobs that are left, or have failed."""
        return {job: entry for job, entry in self.entries.items() if entry.state not in DONE}

    def require_finished(self) -> None:
        """Raises: SweepFailedError, which names the jobs that are not finished, with their last messages."""
        if unfinished := self.unfinished():
            said = {job: f" ({entry.message})" if entry.message else "" for job, entry in unfinished.items()}
            words = "; ".join(f"{job.label} {entry.state}{said[job]}" for job, entry in unfinished.items())
            again = "; --rerun failed tries them again" if any(e.state in FAILED for e in unfinished.values()) else ""
            raise SweepFailedError(f"{self.counts()}: {words}{again}")

    def counts(self) -> str:
        """A line such as `6 runs: 4 finished, 1 running, 1 failed`."""
        states = Counter(entry.state for entry in self.entries.values())
        parts = [f"{states[state]} {state}" for state in ORDER if states[state]]
        return f"{count_runs(len(self.entries))}: {', '.join(parts)}"

    def as_dicts(self) -> list[dict[str, Any]]:
        """All jobs with their states, for JSON."""
        return [
            job.describe() | {"state": entry.state, "message": entry.message or None, "step": entry.step}
            for job, entry in self.entries.items()
        ]


class LiveBoard(Board):
    """Shows a progress bar for each running job inside a `with` block; lines about events scroll away above them."""

    def __init__(self, jobs: Sequence[Job], console: Console):
        columns = (TextColumn("{task.description}", markup=False), BarColumn(20), MofNCompleteColumn())
        times = (TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(compact=True))
        self.progress = Progress(*columns, *times, console=console, auto_refresh=False, transient=True)
        super().__init__(jobs, lambda line: console.print(Text(line)))
        self.bars: dict[Job, TaskID] = {}

    def __enter__(self) -> "LiveBoard":
        self.progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.progress.stop()

    def started(self, job: Job, log: Path) -> None:
        super().started(job, log)
        self.show(time.monotonic())

    def show(self, now: float) -> None:
        for job in [job for job in self.bars if job not in self.running()]:
            self.progress.remove_task(self.bars.pop(job))
        for job in self.running():
            if job not in self.bars:
                self.bars[job] = self.progress.add_task(job.label, total=job.steps, completed=self.entries[job].step)
            self.progress.update(self.bars[job], completed=self.entries[job].step)
        self.progress.refresh()

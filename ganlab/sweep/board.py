"""What became of each job so far, and how it is shown: lines, or a live table on a terminal."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganlab.reports.table import printable
from ganlab.sweep.cost import duration
from ganlab.sweep.jobs import Job, steps_done

# In the order in which they are counted. "waiting" is the one that nothing on disk says.
ORDER = ("finished", "running", "waiting", "stopped", "failed", "diverged", "elsewhere")
_LOOK_EVERY = 1.0  # seconds
_LINE_EVERY = 60.0


@dataclass
class Entry:
    """A job's state (one of ORDER), what was last said of it, and what its process took."""

    state: str = "waiting"
    message: str = ""
    step: int = 0
    since: float = 0.0
    seconds: float | None = None
    log: Path | None = None


class Board:
    """Keeps the entries and says what happens, a line each.

    Args:
        jobs: all of them, those that are finished before it begins too.
        say: prints a line.
    """

    def __init__(self, jobs: Sequence[Job], say: Callable[[str], None]):
        self.entries = {job: Entry() for job in jobs}
        self.say = say
        self.is_stopping = False
        self.looked = self.told = time.monotonic()

    def known(self, job: Job, state: str, message: str = "") -> None:
        """Enters a job that is not going to be run."""
        entry = self.entries[job]
        entry.state, entry.message, entry.step = state, message, steps_done(job.folder)

    def started(self, job: Job, log: Path) -> None:
        done = 0 if job.fresh else steps_done(job.folder)
        entry = self.entries[job]
        entry.state, entry.step, entry.since, entry.log = "running", done, time.monotonic(), log
        self.say(f"{job.label}: {f'goes on after step {done}' if done else 'started'} ({self._place(job)})")

    def ended(self, job: Job, state: str, message: str, seconds: float | None = None) -> None:
        entry = self.entries[job]
        entry.state, entry.message, entry.seconds, entry.step = state, message, seconds, steps_done(job.folder)
        took = f" in {duration(seconds)}" if seconds is not None else f" {message}"
        if state == "finished":
            self.say(f"{job.label}: finished{took}")
        else:
            whole = f" (all it said: {entry.log})" if entry.log and state != "stopped" else ""
            self.say(f"{job.label}: {state}: {printable(message)}{whole}")

    def elsewhere(self, job: Job, holder: str) -> None:
        if self.entries[job].state != "elsewhere":
            self.say(f"{job.label}: is being trained by {holder}; looking again later")
        self.entries[job].state, self.entries[job].message = "elsewhere", holder

    def stopping(self, signal: str | None, active: int) -> None:
        if not self.is_stopping:
            why = signal or "a run failed"
            hint = "; Ctrl-C again kills them" if signal == "SIGINT" else ""
            self.say(f"{why}: {active} of the runs save and stop{hint if active else ''}")
        self.is_stopping = True

    def tick(self) -> None:
        """Called again and again while the jobs run."""
        now = time.monotonic()
        if now - self.looked < _LOOK_EVERY:
            return
        self.looked = now
        for job in self.running():
            self.entries[job].step = steps_done(job.folder)
        self.show(now)

    def show(self, now: float) -> None:
        """Tells now and then how far the running ones are."""
        if now - self.told >= _LINE_EVERY and self.running():
            self.told = now
            steps = ", ".join(f"{job.label} {self.entries[job].step}/{job.steps}" for job in self.running())
            self.say(f"{self.counts()}: {steps}")

    def running(self) -> list[Job]:
        return [job for job, entry in self.entries.items() if entry.state == "running"]

    def has_failed(self) -> bool:
        """Whether a run that this sweep started failed."""
        return any(entry.log and entry.state in ("failed", "diverged") for entry in self.entries.values())

    def unfinished(self) -> dict[Job, Entry]:
        return {job: entry for job, entry in self.entries.items() if entry.state != "finished"}

    def counts(self) -> str:
        """Such as `6 runs: 4 finished, 1 running, 1 failed`."""
        states = Counter(entry.state for entry in self.entries.values())
        parts = [f"{states[state]} {state}" for state in ORDER if states[state]]
        return f"{len(self.entries)} run{'s' if len(self.entries) != 1 else ''}: {', '.join(parts)}"

    def _place(self, job: Job) -> str:
        return f"{list(self.entries).index(job) + 1} of {len(self.entries)}"

    def as_dicts(self) -> list[dict[str, Any]]:
        return [
            describe(job) | {"state": entry.state, "message": entry.message or None, "step": entry.step}
            for job, entry in self.entries.items()
        ]


def describe(job: Job) -> dict[str, Any]:
    """What JSON says of a job whatever became of it."""
    return {
        "name": job.config.name,
        "seed": job.config.seed,
        "dataset": job.config.data.name,
        "cell": job.cell,
        "identity": job.identity,
        "folder": str(job.folder),
        "steps": job.steps,
    }

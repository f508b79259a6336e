"""Runs jobs somewhere, several at a time: the loop that all executors share."""

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from ganlab.errors import ConfigError, StoppedError
from ganlab.runs.locks import holder_of, make_folder
from ganlab.sweeps.board import Board
from ganlab.sweeps.groups import Group
from ganlab.sweeps.jobs import Job, state_of
from ganlab.sweeps.process import Attempt
from ganlab.training.signals import Asked, interrupt, watched_signals

_LOOK_EVERY = 0.05  # seconds between two looks at the own attempts
_ASK_EVERY = 2.0  # seconds between two looks at runs of other processes
_COMPARE_EVERY = 1.0  # seconds between two questions whether runs are given up


class Executor(ABC):
    """Trains jobs by `execute`. A subclass says how many run at a time (`slots`), and where (`start`).

    Args:
        results: the folder of all runs.
        workers: runs at a time.
        fail_fast: whether the first run that fails stops the others.
        group: gives the groups of runs that train together, each in one process; by default each run trains alone.

    Attributes:
        pruned: gives the reason why a run is given up, or None. A group is stopped when all of its runs are given up.
    """

    def __init__(
        self,
        results: Path,
        workers: int = 1,
        fail_fast: bool = False,
        group: Callable[[Sequence[Job]], list[Group]] | None = None,
    ):
        if workers < 1:
            raise ConfigError(f"jobs: expected an integer >= 1, received {workers}")
        self.results, self.workers, self.fail_fast, self.group = results, workers, fail_fast, group
        self.waiting, self.elsewhere = deque[Group](), list[Job]()
        self.active: dict[int, Attempt] = {}  # by the number of the slot
        self.asked_at = self.compared_at = 0.0
        self.pruned: Callable[[Job], str | None] = lambda job: None

    @abstractmethod
    def slots(self, workers: int) -> int:
        """How many of `workers` runs have a place at a time. Called once, before the first start."""

    @abstractmethod
    def start(self, jobs: Sequence[Job], slot: int) -> Attempt:
        """Starts `ganlab run` of a job, or the training of a group, in a slot that is free."""

    def execute(self, jobs: Sequence[Job], board: Board) -> None:
        """Trains every job to its end and tells the board. A job that fails does not stop the others.

        If another process trains a job, this process waits for that one to end, and takes the job over if it dies.

        Raises:
            StoppedError: a signal came; the runs have saved and stopped.
            KeyboardInterrupt: a second Ctrl-C; the runs are killed.
        """
        if not jobs:
            return
        make_folder(self.results)
        self.board = board
        self.waiting.extend(self.group(jobs) if self.group else [(job,) for job in jobs])
        self.free = set(range(self.slots(min(self.workers, len(self.waiting)))))
        with watched_signals(leave=interrupt) as asked:
            try:
                self._loop(asked)
            except KeyboardInterrupt:
                for run in self.active.values():
                    run.kill()
                raise
            finally:
                for run in self.active.values():  # after an error of the sweep itself: let them save
                    run.stop()
            if signal_name := asked():
                raise StoppedError(f"stopped by {signal_name}; the same command goes on from the last checkpoints")

    def _loop(self, asked: Asked) -> None:
        while self.waiting or self.active or self.elsewhere:
            self._collect()
            if time.monotonic() - self.asked_at >= _ASK_EVERY:
                self.asked_at = time.monotonic()
                self.waiting.extend((job,) for job in self.elsewhere)
                self.elsewhere.clear()
            if time.monotonic() - self.compared_at >= _COMPARE_EVERY:
                self.compared_at = time.monotonic()
                self._prune()
            if asked() or (self.fail_fast and self.board.has_failed()):
                self._stop(asked())
            while self.waiting and self.free:
                self._start(self.waiting.popleft())
            self.board.tick()
            time.sleep(_LOOK_EVERY)

    def _start(self, group: Group) -> None:
        """Starts the jobs of a group that no other process trains or has ended meanwhile."""
        jobs = [job for job in group if self._is_due(job)]
        if not jobs:
            return
        slot = min(self.free)
        self.active[slot] = self.start(jobs, slot)
        self.free.remove(slot)
        for job in jobs:
            self.board.started(job, self.active[slot].log)

    def _is_due(self, job: Job) -> bool:
        state = state_of(job, self.results)
        was_elsewhere = self.board.entries[job].state == "elsewhere"
        if state == "running":
            self._leave(job)
        elif state == "finished" or (was_elsewhere and state in ("failed", "diverged")):
            self.board.ended(job, state, "in another process")
        elif reason := self.pruned(job):
            self.board.ended(job, "pruned", reason)
        else:
            return True
        return False

    def _collect(self) -> None:
        for slot, run in list(self.active.items()):
            if (outcomes := run.outcomes()) is None:
                continue
            del self.active[slot]
            self.free.add(slot)
            for job, outcome in outcomes.items():
                if outcome[0] == "running":
                    self._leave(job)
                elif outcome[0] == "alone":
                    self.waiting.append((job,))
                elif outcome[0] == "stopped" and (reason := self.pruned(job)):
                    self.board.ended(job, "pruned", reason, run.seconds)
                else:
                    self.board.ended(job, *outcome, run.seconds)

    def _prune(self) -> None:
        for run in self.active.values():
            if all(map(self.pruned, run.jobs)):
                run.stop()

    def _leave(self, job: Job) -> None:
        self.elsewhere.append(job)
        self.board.elsewhere(job, holder_of(self.results, job.identity) or "another process")

    def _stop(self, signal_name: str | None) -> None:
        self.waiting.clear()
        self.elsewhere.clear()
        for run in self.active.values():
            run.stop()
        self.board.stopping(signal_name, len(self.active))

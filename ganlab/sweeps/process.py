"""A run, or a group of runs, in a process of its own. All output of the process is kept in a log."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ganlab.config.loading import dump_config
from ganlab.errors import GanlabError
from ganlab.runs.containment import require_unlinked
from ganlab.runs.folder import RunFolder
from ganlab.storage.writing import write_text
from ganlab.sweeps.jobs import Job, state_of
from ganlab.working_folder import SAFE_PATH

_FOLDER = ".sweep"  # beside the run folders, whose content is fixed
_STATES = {0: "finished", 4: "diverged", 5: "running", 75: "stopped"}  # by exit code


def log_of(job: Job, results: Path) -> Path:
    """The file that keeps the output of all attempts at a job."""
    return results / _FOLDER / job.folder.parent.name / f"{job.folder.name}.log"


def write_config(job: Job, results: Path) -> Path:
    """Writes the job's resolved config beside its log: the user's file may change while the run waits for its turn."""
    path = log_of(job, results).with_suffix(".yaml")
    require_unlinked(results, path)
    write_text(path, dump_config(job.config))
    return path


class Attempt(ABC):
    """`ganlab run` of one job, or the training of a group of jobs, in a process somewhere.

    The log of the first job keeps the output of a group. A subclass starts the process with `arguments`.
    """

    def __init__(self, jobs: Sequence[Job], results: Path):
        self.jobs, self.results, self.began, self.stopping = jobs, results, time.monotonic(), False
        self.log = log_of(jobs[0], results)
        require_unlinked(results, self.log)
        configs = [write_config(job, results) for job in jobs]
        fresh = ["--fresh"] if jobs[0].fresh else []
        self.arguments = ["ganlab", "run", str(configs[0]), "--results", str(results), *fresh]
        if len(jobs) > 1:
            self.arguments = ["ganlab.sweeps.lanes", str(results), *fresh, *map(str, configs)]
        self.offset = self.log.stat().st_size if self.log.exists() else 0

    @abstractmethod
    def code(self) -> int | None:
        """The exit code of the process, minus its number for a signal; None while it runs."""

    @abstractmethod
    def terminate(self) -> None:
        """Sends SIGTERM to the process."""

    @abstractmethod
    def kill(self) -> None:
        """Ends the process and its children at once."""

    def stop(self) -> None:
        """Asks the run to save and stop."""
        if not self.stopping:
            self.stopping = True
            self.terminate()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def outcomes(self) -> dict[Job, tuple[str, str]] | None:
        """The last state of each run, and its last line or its reason; None while the process runs.

        The state is finished, failed, diverged, stopped, alone: the run left its group and can go on alone, or running: another
        process holds the run's lock.
        """
        code = self.code()
        if code is None:
            return None
        if code < 0:
            name = signal.Signals(-code).name
            outcome = ("stopped" if self.stopping and -code == signal.SIGTERM else "failed", f"killed by {name}")
        else:
            outcome = _STATES.get(code, "failed"), self._last_line() or f"exit code {code}"
        if len(self.jobs) == 1:
            return {self.jobs[0]: outcome}
        return {job: self._of_lane(job, code, outcome) for job in self.jobs}

    def _of_lane(self, job: Job, code: int, outcome: tuple[str, str]) -> tuple[str, str]:
        """The outcome of one run of a group: its status.json tells it, unless the whole group has failed."""
        state = state_of(replace(job, fresh=False), self.results)  # the group has made the folder of a fresh run
        try:
            reason = RunFolder(job.folder).status().get("reason") or ""
        except GanlabError as error:
            reason = str(error)
        if code not in (0, 75) and state != "finished":
            return outcome
        if state in ("new", "resumable"):
            return "stopped" if code else "alone", reason or outcome[1]
        return state, reason

    def _last_line(self) -> str:
        with self.log.open("rb") as log:
            log.seek(self.offset)
            lines = log.read().decode("utf-8", "replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "")


class RunProcess(Attempt):
    """An attempt on this machine, started at once with these environment variables."""

    def __init__(self, jobs: Sequence[Job], results: Path, environment: Mapping[str, str]):
        super().__init__(jobs, results)
        self.process = start_process(self.arguments, self.log, environment)

    def code(self) -> int | None:
        return self.process.poll()

    def terminate(self) -> None:
        self.process.terminate()

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def start_process(
    arguments: Sequence[str], log: Path, environment: Mapping[str, str], prepare: Callable[[], None] | None = None
) -> subprocess.Popen:
    """Starts `python -m` with these arguments; its output is appended to the log. `prepare` runs in the process before Python."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", *arguments],
            env={**environment, **SAFE_PATH, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C does not reach the run; the sweep passes it on
            preexec_fn=prepare,
        )

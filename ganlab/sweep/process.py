"""A run as a process of its own, with its output kept."""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

from ganlab.config.loading import dump_config
from ganlab.runs.containment import require_unlinked
from ganlab.storage.writing import write_text
from ganlab.sweep.jobs import Job
from ganlab.sweep.ready import Environment, ReadyProcesses, start

_FOLDER = ".sweep"  # beside the run folders, whose content is fixed
_STATES = {0: "finished", 4: "diverged", 5: "running", 75: "stopped"}


def log_of(job: Job, results: Path) -> Path:
    """The file that keeps everything a job's processes print, one after another."""
    return results / _FOLDER / job.folder.parent.name / f"{job.folder.name}.log"


class RunProcess:
    """`ganlab run` of one job, started at once, in one of the ready processes if one fits."""

    def __init__(self, job: Job, results: Path, environment: Environment, ready: ReadyProcesses):
        self.job, self.began, self.stopping = job, time.monotonic(), False
        self.log = log_of(job, results)
        config = self.log.with_suffix(".yaml")
        for file in (self.log, config):
            require_unlinked(results, file)
        # The resolved config: the user's file may change while the run waits for its turn.
        write_text(config, dump_config(job.config))
        arguments = ["run", str(config), "--results", str(results), *(["--fresh"] if job.fresh else [])]
        with self.log.open("ab") as log:
            self.offset = log.tell()
            streams = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": subprocess.STDOUT}
            begun = ready.begin(job.config.backend, environment, arguments, self.log)
            self.process = begun or start(["-m", "ganlab", *arguments], environment, **streams)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def outcome(self) -> tuple[str, str] | None:
        """Its last state (finished, failed, diverged, stopped; running: in another process) and its last line."""
        code = self.process.poll()
        if code is None:
            return None
        if code < 0:
            name = signal.Signals(-code).name
            return ("stopped" if self.stopping and -code == signal.SIGTERM else "failed", f"killed by {name}")
        return _STATES.get(code, "failed"), self._last_line() or f"exit code {code}"

    def stop(self) -> None:
        """Asks it to save and stop."""
        if not self.stopping:
            self.stopping = True
            self.process.terminate()

    def kill(self) -> None:
        """Ends it and its children at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def _last_line(self) -> str:
        with self.log.open("rb") as log:
            log.seek(self.offset)
            lines = log.read().decode("utf-8", "replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

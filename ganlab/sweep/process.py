"""A run in a process of its own. All output of the process is kept in a log."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from ganlab.config.loading import dump_config
from ganlab.runs.containment import require_unlinked
from ganlab.storage.writing import write_text
from ganlab.sweep.jobs import Job
from ganlab.working_folder import SAFE_PATH

_FOLDER = ".sweep"  # beside the run folders, whose content is fixed
_STATES = {0: "finished", 4: "diverged", 5: "running", 75: "stopped"}  # by exit code


def log_of(job: Job, results: Path) -> Path:
    """The file that keeps the output of all attempts at a job."""
    return results / _FOLDER / job.folder.parent.name / f"{job.folder.name}.log"


class RunProcess:
    """`ganlab run` of one job, started at once with these environment variables."""

    def __init__(self, job: Job, results: Path, environment: Mapping[str, str]):
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
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ganlab", *arguments],
                env={**environment, **SAFE_PATH, "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C does not reach the run; the sweep passes it on
            )

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def outcome(self) -> tuple[str, str] | None:
        """The run's last state and its last line; None while the process runs.

        The state is finished, failed, diverged, stopped, or running: another process holds the run's lock.
        """
        code = self.process.poll()
        if code is None:
            return None
        if code < 0:
            name = signal.Signals(-code).name
            return ("stopped" if self.stopping and -code == signal.SIGTERM else "failed", f"killed by {name}")
        return _STATES.get(code, "failed"), self._last_line() or f"exit code {code}"

    def stop(self) -> None:
        """Asks the run to save and stop."""
        if not self.stopping:
            self.stopping = True
            self.process.terminate()

    def kill(self) -> None:
        """Ends the process and its children at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def _last_line(self) -> str:
        with self.log.open("rb") as log:
            log.seek(self.offset)
            lines = log.read().decode("utf-8", "replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

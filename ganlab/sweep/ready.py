"""Processes that load their framework before they know their run, so that the sweep does not wait for it.

The first ones load while the configs are checked, each later one while the run before it trains. A run in such a process is
`ganlab run` with the same words, environment and log as in one started for it.
"""

import contextlib
import importlib
import json
import os
import runpy
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ganlab.working_folder import SAFE_PATH


class ReadyProcess:
    """One process that waits for its run. It ends by itself when this process does.

    Args:
        backend: the framework it loads.
        environment: all of its environment variables.
    """

    def __init__(self, backend: str, environment: Mapping[str, str]):
        self.backend, self.environment = backend, environment
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, backend],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**environment, **SAFE_PATH, "PYTHONUNBUFFERED": "1"},
            start_new_session=True,  # Ctrl-C is the sweep's to pass on
        )

    def begin(self, arguments: Sequence[str], log: Path) -> subprocess.Popen | None:
        """Starts `ganlab ARGUMENTS` with its output appended to the log; None if the process has died."""
        order = json.dumps({"arguments": list(arguments), "log": str(log)})
        try:
            self._process.stdin.write(order.encode() + b"\n")
            self._process.stdin.close()
        except OSError:
            self.close()
            return None
        return self._process

    def close(self) -> None:
        """Ends it without a run."""
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(OSError):
            self._process.stdin.close()


class ReadyProcesses:
    """Those that wait, each for a run of its backend and environment.

    Args:
        most: how many may wait at a time, for each holds a framework in memory.
    """

    def __init__(self, most: int):
        self.most = most
        self._waiting: list[ReadyProcess] = []

    def add(self, backend: str, environment: Mapping[str, str]) -> None:
        """Starts one more, unless enough of them wait."""
        if len(self._waiting) < self.most:
            self._waiting.append(ReadyProcess(backend, environment))

    def keep(self, environments: Sequence[Mapping[str, str]]) -> None:
        """Ends those that no run can take, because their environment is none of these."""
        useless = [process for process in self._waiting if process.environment not in environments]
        for process in useless:
            self._waiting.remove(process)
            process.close()

    def begin(
        self, backend: str, environment: Mapping[str, str], arguments: Sequence[str], log: Path
    ) -> subprocess.Popen | None:
        """Starts `ganlab ARGUMENTS` in one that fits; None if there is none."""
        for process in list(self._waiting):
            if (process.backend, process.environment) == (backend, environment):
                self._waiting.remove(process)
                return process.begin(arguments, log)
        return None

    def close(self) -> None:
        for process in self._waiting:
            process.close()
        self._waiting.clear()


def _wait(backend: str) -> None:
    """What such a process does."""
    with contextlib.suppress(Exception):  # what is wrong with a framework is told by the run, in its log
        from ganlab.backends.select import select_backend

        select_backend(backend)
        importlib.import_module("ganlab.flows.session")
        importlib.import_module(f"ganlab.backends.{backend}")
    line = sys.stdin.buffer.readline()
    if not line.endswith(b"\n"):  # the sweep has no run for it, or is gone
        return
    order = json.loads(line)
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, descriptor in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, descriptor)
    os.close(log)
    sys.argv = ["ganlab", *order["arguments"]]
    runpy.run_module("ganlab", run_name="__main__")


if __name__ == "__main__":
    _wait(sys.argv[1])

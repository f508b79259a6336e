"""Processes that load their framework before they know their run, so that the sweep does not wait for it.

The first ones load while the configs are checked, each later one while the run before it trains. A run in one of them
has the same arguments, environment and log as `ganlab run` in a new process.
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

Environment = Mapping[str, str]  # all environment variables of a process


def start(arguments: Sequence[str], environment: Environment, **streams) -> subprocess.Popen:
    """Starts Python with these arguments; Ctrl-C does not reach the process, for the sweep passes it on."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        env={**environment, **SAFE_PATH, "PYTHONUNBUFFERED": "1"},
        start_new_session=True,
        **streams,
    )


class ReadyProcesses:
    """Processes that wait, each for a run of its backend and environment. They end when this process ends.

    Args:
        most: how many may wait at a time, for each holds a framework in memory.
    """

    def __init__(self, most: int):
        self.most = most
        self.waiting: list[tuple[str, Environment, subprocess.Popen]] = []

    def add(self, backend: str, environment: Environment) -> None:
        """Starts one more, unless enough of them wait."""
        if len(self.waiting) < self.most:
            streams = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            process = start(["-m", __name__, backend], environment, **streams)
            self.waiting.append((backend, environment, process))

    def keep(self, environments: Sequence[Environment]) -> None:
        """Ends those whose environment is none of these: no run can take them."""
        for entry in [entry for entry in self.waiting if entry[1] not in environments]:
            self.waiting.remove(entry)
            _close(entry[2])

    def begin(
        self, backend: str, environment: Environment, arguments: Sequence[str], log: Path
    ) -> subprocess.Popen | None:
        """Starts `ganlab ARGUMENTS`, with its output appended to the log, in one that fits; None if there is none."""
        fitting = [entry for entry in self.waiting if entry[:2] == (backend, environment)]
        if not fitting:
            return None
        self.waiting.remove(fitting[0])
        process = fitting[0][2]
        order = json.dumps({"arguments": list(arguments), "log": str(log)})
        try:
            process.stdin.write(order.encode() + b"\n")
            process.stdin.close()
        except OSError:  # it has died
            _close(process)
            return None
        return process

    def close(self) -> None:
        """Ends all of them."""
        self.keep([])


def _close(process: subprocess.Popen) -> None:
    process.kill()
    process.wait()
    with contextlib.suppress(OSError):
        process.stdin.close()


def _wait(backend: str) -> None:
    """Loads a framework, then runs the command that comes in one line of standard input."""
    with contextlib.suppress(Exception):  # the run itself says, in its log, what is wrong with a framework
        from ganlab.backends.select import select_backend

        select_backend(backend)
        importlib.import_module("ganlab.flows.session")
        importlib.import_module(f"ganlab.backends.{backend}")
    line = sys.stdin.buffer.readline()
    if not line.endswith(b"\n"):  # the sweep has no run for it, or has ended
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

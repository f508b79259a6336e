"""`ganlab` in processes that are forked from one with TensorFlow in it: they begin at once instead of after seconds.

They are processes of their own in everything that tests do to them: signals, locks, current folder, exit code. A test of the time
before Keras is loaded needs a process from its first line: `tests.reliability.runs.start`.
"""

import functools
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace

_CONTEXT = multiprocessing.get_context("forkserver")  # one server for each process of pytest, started by its first fork
_CONTEXT.set_forkserver_preload(["tests.loaded"])


def survey_in_forks(monkeypatch) -> None:
    """The process in which a sweep checks its configs, of TensorFlow, is forked, too, until the end of the monkeypatch."""
    forking = SimpleNamespace(get_context=lambda method: _CONTEXT)
    monkeypatch.setattr("ganlab.sweeps.survey.multiprocessing", forking)


def runs_in_forks(monkeypatch) -> None:
    """The runs that a sweep starts on this machine, of TensorFlow, are forked, too, until the end of the monkeypatch."""

    def start_process(arguments, log, environment):
        prepare = functools.partial(_print_to, log)
        return Fork(Path.cwd(), *arguments[1:], environment=environment, prepare=prepare, module=arguments[0])

    monkeypatch.setattr("ganlab.sweeps.process.start_process", start_process)


def _print_to(log: Path) -> None:
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    os.close(output)


class Fork:
    """`ganlab WORDS`, begun at once. It is used like the subprocess.Popen of `tests.reliability.runs.start`.

    Args:
        folder: the current folder of the process.
        words: after `ganlab`.
        environment: all of its environment variables; those of this process by default.
        prepare: called in the process before everything else; a function of a module.
        module: what runs, as `python -m MODULE` does.
    """

    def __init__(
        self,
        folder: Path,
        *words: str,
        environment: Mapping[str, str] | None = None,
        prepare: Callable[[], object] | None = None,
        module: str = "ganlab",
    ):
        reading, writing = _CONTEXT.Pipe(duplex=False)
        variables = dict(os.environ if environment is None else environment)
        arguments = (writing, str(folder), [module, *words], variables, prepare)
        self._process = _CONTEXT.Process(target=_become, args=arguments, daemon=True)  # does not outlive pytest
        self._process.start()
        writing.close()
        self.pid: int = self._process.pid
        self.stdout = os.fdopen(os.dup(reading.fileno()), encoding="utf-8")
        reading.close()

    @property
    def returncode(self) -> int | None:
        """The exit code, negative for the signal that ended it; None while it lives."""
        return self._process.exitcode

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired("ganlab", timeout)
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, None]:
        """All that it still prints, on both streams."""
        self.wait(timeout)
        with self.stdout:
            return self.stdout.read(), None

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self._process.kill()


def _become(output: Connection, folder: str, command: list[str], environment: dict, prepare) -> None:
    """What the process does."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, descriptor in ((nothing, 0), (output.fileno(), 1), (output.fileno(), 2)):
        os.dup2(source, descriptor)
    output.close()
    os.close(nothing)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    if prepare:
        prepare()
    sys.argv = list(command)
    runpy.run_module(command[0], run_name="__main__", alter_sys=True)

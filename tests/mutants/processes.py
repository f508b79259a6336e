"""Tests a change in a process of its own, forked from one in which the packages are loaded; no file of the checkout changes.

The process has the package and all tests imported. Its functions get the changed code, or its modules the values that changed
code computes at import. Another process imports the changed module anew, which takes seconds: only changes that survived at
import need it.
"""

import gc
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import itertools
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.mutants import reach
from tests.mutants.changes import ROOT, Change
from tests.mutants.values import name_of, take_values

PYTEST = ["-qq", "-s", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", "not slow and not data"]
OTHER_WAY = 99  # the exit code of a process whose functions cannot take the changed code
BROKEN = 98  # the exit code of a process in which this program failed, and not a test


class Answer(NamedTuple):
    """The exit code of a process, None for one that did not end; and the name of the test that failed, if one did."""

    code: int | None
    test: str = ""


def answer_of(run: Callable[[], int], seconds: float) -> Answer:
    """Calls `run`, which returns an exit code, in a forked process with a temporary folder of its own.

    Args:
        seconds: of processor time that `run` usually needs; see `allow`.
    """
    folder = tempfile.mkdtemp()
    child = os.fork()
    if child == 0:
        os.setsid()
        allow(seconds)
        tempfile.tempdir = folder
        os.environ["TMPDIR"] = folder
        with open(os.devnull, "w") as nothing:
            os.dup2(nothing.fileno(), 1)
            os.dup2(nothing.fileno(), 2)
        code = BROKEN
        try:
            code = int(run())
        finally:
            os._exit(code)
    try:
        end, pause = time.monotonic() + 30 + 10 * seconds, 0.005  # for one that waits; the machine may be busy
        while time.monotonic() < end:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                code = os.waitstatus_to_exitcode(status)
                failed = Path(folder, "failed")
                test = failed.read_text() if failed.exists() else ""
                return Answer(None if code in (-signal.SIGXCPU, -signal.SIGKILL) else code, test)
            time.sleep(pause := min(pause * 1.5, 0.1))
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return Answer(None)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def allow(seconds: float) -> None:
    """Lets the system end this process after five times this processor time and fifteen seconds more, counted from now.

    The fifteen seconds are for fixtures that tests share: the first test of a process pays for them.
    """
    most = int(time.process_time() + 15 + 5 * seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (most, resource.getrlimit(resource.RLIMIT_CPU)[1]))


class FirstFailure:
    """A plugin of pytest: the first test that fails ends the process. Pytest's report takes ten times as long as most tests."""

    def __init__(self):
        self._file = Path(tempfile.gettempdir(), "failed")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item, call):
        if call.excinfo is not None and not call.excinfo.errisinstance((pytest.skip.Exception, pytest.xfail.Exception)):
            self._file.write_text(item.nodeid)
            os._exit(1)


class InProcess:
    """A plugin of pytest: collects the tests, then calls `turn(self)` instead of running them.

    Args:
        files: the source files that are changed.
        turn: calls `reached` and `outcome`.
    """

    def __init__(self, files: list[str], turn: Callable[["InProcess"], None]):
        self._files, self._turn = files, turn

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self._session = session
        self._items = {item.nodeid: item for item in session.items}
        for file in self._files:
            importlib.import_module(module_of(file))
        paths = {str(ROOT / file) for file in self._files}
        self._functions: dict[object, list[types.FunctionType]] = {}
        for function in gc.get_objects():
            if type(function) is types.FunctionType and function.__code__.co_filename in paths:
                self._functions.setdefault(name_of(function.__code__), []).append(function)
        gc.freeze()  # the memory of forked processes stays shared
        self._turn(self)
        return True

    def reached(self, path: Path) -> dict[str, reach.Reached]:
        """What the tests run, as `path` has it. Tests that it does not know run first, and are added."""
        known = reach.read(path)
        unknown = [item for test, item in self._items.items() if test not in known]

        def record() -> int:
            recorder = reach.Recorder(self._files)
            self._session.config.pluginmanager.register(recorder)
            with path.open("a") as log, path.with_suffix(".failed").open("w") as failed:
                os.dup2(failed.fileno(), 2)
                recorder.run(unknown, log)
            return 0

        if answer_of(record, seconds=3600).code != 0:
            raise SystemExit("the tests could not be recorded")
        return {test: lines for test, lines in reach.read(path).items() if test in self._items}

    def outcome(self, change: Change, tests: dict[str, float], at_import: bool) -> Answer:
        """What `tests` say of a change, which may run at import; each test is given with its usual seconds."""

        def run() -> int:
            if not self._take(change):
                return OTHER_WAY
            if at_import:
                try:
                    take_values(sys.modules[module_of(change.file)], compiled(change))
                except Exception:  # the module cannot be imported
                    return 1
            self._session.config.pluginmanager.register(FirstFailure())
            for item, following in itertools.pairwise([*(self._items[test] for test in tests), None]):
                allow(tests[item.nodeid])
                if reach.run_test(item, following):
                    return 1
            return 0

        return answer_of(run, sum(tests.values()))

    def _take(self, change: Change) -> bool:
        """Gives the functions their changed code; False if a function has other variables of an outer one now."""
        path = ROOT / change.file
        before = list(_codes(compile(path.read_text(), str(path), "exec")))
        after = list(_codes(compiled(change)))
        if [code.co_qualname for code in before] != [code.co_qualname for code in after]:
            return False
        for old, new in zip(before, after, strict=True):
            for function in self._functions.get(name_of(old), ()) if old != new else ():
                if old.co_freevars != new.co_freevars:
                    return False
                function.__code__ = new
        return True


def module_of(file: str) -> str:
    return file.removesuffix(".py").replace("/", ".")


def compiled(change: Change) -> types.CodeType:
    """The code of the changed module."""
    return compile(change.make(), str(ROOT / change.file), "exec")


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


class AtImport(importlib.abc.MetaPathFinder):
    """Imports the changed module in place of the file's; also a plugin of pytest that runs `tests` in their order."""

    def __init__(self, change: Change, tests: list[str]):
        self._path = ROOT / change.file
        self._name, self._code = module_of(change.file), compiled(change)
        self._tests = tests

    def find_spec(self, name, path=None, target=None):
        if name != self._name:
            return None
        loader = importlib.machinery.SourceFileLoader(name, str(self._path))
        loader.get_code = lambda name: self._code
        return importlib.util.spec_from_file_location(name, self._path, loader=loader)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        by_name = {item.nodeid: item for item in items}
        items[:] = [by_name[test] for test in self._tests if test in by_name]

    def run(self) -> int:
        """The exit code of pytest."""
        sys.meta_path.insert(0, self)
        files = dict.fromkeys(test.split("::")[0] for test in self._tests)
        return int(pytest.main(["-x", *PYTEST, *files], plugins=[self, FirstFailure()]))


def outcome_at_import(change: Change, tests: dict[str, float]) -> Answer:
    """What `tests` say of a change. Those of the module's own file run first, alone."""
    own = reach.own_file(change.file)
    answer = Answer(0)
    for first in (True, False):
        part = [test for test in tests if test.startswith(own) is first]
        if part and answer.code == 0:
            answer = answer_of(AtImport(change, part).run, sum(tests.values()))
    return answer

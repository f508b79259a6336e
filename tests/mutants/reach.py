"""Which lines each test runs, and how long it takes: found out once by a trace, kept in a file."""

import collections
import inspect
import itertools
import json
import math
import sys
import threading
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TextIO

import pytest

from tests.mutants.changes import ROOT, Change


class Reached(NamedTuple):
    """What one test runs: seconds of processor time, and lines of function bodies by file (relative to the checkout)."""

    seconds: float
    lines: dict[str, frozenset[int]]


class Recorder:
    """Runs tests under a trace of `files`. Lines that a shared fixture runs count for every test that uses the fixture."""

    def __init__(self, files: Iterable[str]):
        self._files = {str(ROOT / file): file for file in files}
        self._current: dict[str, set[int]] = collections.defaultdict(set)
        self._of_fixtures: dict[object, dict[str, set[int]]] = {}

    def _trace(self, frame, event, argument):
        code = frame.f_code
        file = self._files.get(code.co_filename)
        if file is None or not code.co_flags & inspect.CO_OPTIMIZED:  # bodies of modules and classes run at import
            return None
        lines = self._current

        def trace_line(frame, event, argument):
            lines[file].add(frame.f_lineno)
            return trace_line

        return trace_line

    @contextmanager
    def _lines(self) -> Iterator[dict[str, set[int]]]:
        """The lines that run meanwhile."""
        before, self._current = self._current, collections.defaultdict(set)
        try:
            yield self._current
        finally:
            self._current = before

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef):
        if fixturedef.scope == "function":
            return (yield)
        with self._lines() as self._of_fixtures[fixturedef]:
            return (yield)

    def run(self, items: list[pytest.Item], log: TextIO) -> None:
        """Runs every test and writes a line for each; a test that fails is left out."""
        sys.settrace(self._trace)
        threading.settrace(self._trace)
        for item, following in itertools.pairwise([*items, None]):
            for name, module in list(sys.modules.items()):
                if name.startswith("ganlab."):
                    for value in vars(module).values():
                        getattr(value, "cache_clear", int)()
            start = time.process_time()
            with self._lines() as lines:
                failed = run_test(item, following)
            if failed:
                print(f"fails without any change: {item.nodeid}", file=sys.stderr, flush=True)
                continue
            shared = [
                self._of_fixtures.get(fixture, {})
                for fixtures in item._fixtureinfo.name2fixturedefs.values()
                for fixture in fixtures
            ]
            files = {file for part in (lines, *shared) for file in part}
            union = {file: frozenset().union(*(part.get(file, ()) for part in (lines, *shared))) for file in files}
            seconds = time.process_time() - start
            _write(log, item.nodeid, Reached(seconds, union))
        sys.settrace(None)


def run_test(item: pytest.Item, following: pytest.Item | None) -> bool:
    """Whether a test fails; `following` says which shared fixtures stay."""
    from _pytest.runner import runtestprotocol

    return any(report.failed for report in runtestprotocol(item, log=False, nextitem=following))


def _sum_of(file: str) -> int:
    return zlib.crc32((ROOT / file).read_bytes())


def _write(log: TextIO, test: str, reached: Reached) -> None:
    files = [test.split("::")[0], *reached.lines]
    row = {
        "test": test,
        "seconds": round(reached.seconds, 3),
        "files": {file: _sum_of(file) for file in files},
        "lines": {file: sorted(lines) for file, lines in reached.lines.items()},
    }
    log.write(json.dumps(row) + "\n")
    log.flush()


def read(path: Path) -> dict[str, Reached]:
    """What a file of `Recorder` knows of the tests, without those whose own file or a file that they run has changed since."""
    sums: dict[str, int] = {}
    found = {}
    for row in map(json.loads, path.read_text().splitlines() if path.exists() else []):
        for file in row["files"]:
            if file not in sums:
                sums[file] = _sum_of(file) if (ROOT / file).exists() else -1
        if all(sums[file] == value for file, value in row["files"].items()):
            lines = {file: frozenset(lines) for file, lines in row["lines"].items()}
            found[row["test"]] = Reached(row["seconds"], lines)
    return found


def tests_for(change: Change, reached: dict[str, Reached], seconds: float) -> tuple[list[str], bool]:
    """(tests that may notice a change, whether it runs at import alone).

    They are the tests that run the changed line, or for a change at import, the module's own tests and all that run a function
    of the module. Those of the module's own file come first, then the quick ones.

    Args:
        seconds: tests are taken until they need this time together; those of the module's own file always.
    """
    own = own_file(change.file)
    of_file = {test: of.lines.get(change.file, frozenset()) for test, of in reached.items()}
    running = [test for test, lines in of_file.items() if change.inside and change.line in lines]
    if change.inside and not running:
        running = [test for test, lines in of_file.items() if not lines.isdisjoint(change.statement)]
    if at_import := not running:
        running = [test for test, lines in of_file.items() if lines or test.startswith(own)]
    chosen, total = set(), 0.0
    for test in sorted(running, key=lambda test: (not test.startswith(own), reached[test].seconds)):
        total += reached[test].seconds
        if test.startswith(own) or total <= seconds or not chosen:
            chosen.add(test)
    quickest: dict[str, float] = {}
    for test in chosen:
        file = test.split("::")[0]
        quickest[file] = min(reached[test].seconds, quickest.get(file, math.inf))
    places = {
        test: place for place, test in enumerate(running)
    }  # tests of a file keep their order: some share a folder

    def order(test: str) -> tuple:
        file = test.split("::")[0]
        return file != own, quickest[file], file, places[test]

    return sorted(chosen, key=order), at_import


def own_file(file: str) -> str:
    """The file of tests that mirrors a module."""
    path = Path(file)
    return f"tests/{path.parent.name}/test_{path.stem}.py"

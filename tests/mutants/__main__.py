"""Changes one operator, number or statement of the package at a time and asks the tests: `python -m tests.mutants [PATH...]`.

A change that no test notices survives: it needs a test, simpler code, or an explanation. Only the tests that run the changed
line are asked. Results are appended to a file, so that a turn that was cut off goes on; `--again` tries survivors once more.
"""

import argparse
import collections
import importlib
import json
import os
import sys
import time
from pathlib import Path

import pytest

from tests.mutants import processes, reach
from tests.mutants.changes import ROOT, Change, changes_in
from tests.mutants.explained import explanation_of

PATHS = (
    "ganlab/config/identity.py",
    *(f"ganlab/objectives/{name}.py" for name in ("gan", "batches", "class_terms", "code_terms", "regularizers")),
    *(f"ganlab/objectives/{name}.py" for name in ("evolutionary", "vae", "averages", "inputs")),
    "ganlab/training",
    "ganlab/metrics",
)
TESTS = (
    *(f"tests/{folder}" for folder in ("training", "metrics", "objectives", "oracle", "flows")),
    "tests/backends/test_steps.py",
    "tests/config/test_identity.py",
)
WORDS = {0: "SURVIVED", None: "too slow", processes.OTHER_WAY: "other way", processes.BROKEN: "broken"}

AT_IMPORT = ("at import", "other way")  # to be tried once more, by a process that imports the changed module
MISSED = ("SURVIVED", "not run")


class Turn:
    """Tries changes and appends a line for each to `folder`/results.jsonl."""

    def __init__(self, folder: Path, tests: list[str], seconds: float):
        self._tests, self._seconds = tests, seconds
        self._record = folder / "reached.jsonl"
        self._results = folder / "results.jsonl"
        lines = self._results.read_text().splitlines() if self._results.exists() else []
        self.done: dict[str, str] = {row["change"]: row["outcome"] for row in map(json.loads, lines)}

    def try_in_process(self, changes: list[Change]) -> bool:
        """Tries changes in processes that have the package imported; False if pytest could not collect the tests."""
        files = sorted({change.file for change in changes})

        def turn(process: processes.InProcess) -> None:
            reached = process.reached(self._record)
            for change in changes:
                self._try(change, reached, process)

        all_files = sorted({change.file for path in PATHS for change in changes_of_path(path)} | set(files))
        plugin = processes.InProcess(all_files, turn)
        code = pytest.main([*processes.PYTEST, *self._tests], plugins=[plugin])
        return code == 0

    def try_at_import(self, changes: list[Change]) -> None:
        """Tries those that survived at import, and those whose functions cannot take the changed code."""
        reached = reach.read(self._record)
        for change in changes:
            if self.done.get(change.key) in AT_IMPORT:
                self._try(change, reached, None)

    def _try(self, change: Change, reached: dict[str, reach.Reached], process: processes.InProcess | None) -> None:
        start = time.monotonic()
        tests, at_import = reach.tests_for(change, reached, self._seconds)
        usual = {test: reached[test].seconds for test in tests}
        if not tests:
            answer = processes.Answer(0)
        elif process:
            answer = process.outcome(change, usual, at_import)
        else:
            answer = processes.outcome_at_import(change, usual)
        word = WORDS.get(answer.code, "noticed") if tests else "not run"
        if word == "SURVIVED" and at_import and process:
            word = "at import"
        seconds = time.monotonic() - start
        self.done[change.key] = word
        with self._results.open("a") as file:
            row = {
                "change": change.key,
                "outcome": word,
                "by": answer.test,
                "line": change.line,
                "seconds": round(seconds, 1),
            }
            file.write(json.dumps(row) + "\n")
        print(
            f"{word:9} {seconds:6.1f} s {len(tests):4} tests  {change.line:4} {change.key} | {answer.test}", flush=True
        )


def changes_of_path(path: str) -> list[Change]:
    """The changes of a file or a folder of the checkout."""
    files = [ROOT / path] if path.endswith(".py") else sorted((ROOT / path).rglob("*.py"))
    return [change for file in files for change in changes_in(file)]


def table(changes: list[Change], done: dict[str, str]) -> str:
    """A row a file: how many changes, and what became of them."""
    counts: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for change in changes:
        word = done.get(change.key, "not tried")
        if word in AT_IMPORT:
            word = "not tried"
        elif word in MISSED and explanation_of(change):
            word = "explained"
        for file in (change.file, "all"):
            counts[file][word] += 1
            counts[file]["changes"] += 1
    words = ("changes", "noticed", "too slow", "explained", *MISSED, "broken", "not tried")
    rows = [("file", *words), ("---",) * (len(words) + 1)]
    rows += [(file, *(str(count[word]) for word in words)) for file, count in sorted(counts.items())]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main() -> int:
    """Prints each change and what became of it, then the table; the exit code is 1 if some survived."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="*", default=PATHS, help="files or folders; default: all that compute numbers")
    parser.add_argument(
        "--folder", type=Path, default=ROOT / "build/mutants", help="for the results; default: %(default)s"
    )
    parser.add_argument("--tests", nargs="*", default=TESTS, help="that may notice a change; default: %(default)s")
    parser.add_argument("--seconds", type=float, default=30, help="of tests for a change; default: %(default)s")
    parser.add_argument("--again", action="store_true", help="tries those that survived or were too slow once more")
    parser.add_argument("--table", action="store_true", help="prints the table alone")
    options = parser.parse_args()
    os.chdir(ROOT)
    options.folder.mkdir(parents=True, exist_ok=True)
    turn = Turn(options.folder, options.tests, options.seconds)
    changes = list({change.key: change for path in options.paths for change in changes_of_path(path)}.values())
    again = (*AT_IMPORT, *((*MISSED, "too slow") if options.again else ()))
    open_ones = [
        change
        for change in changes
        if (word := turn.done.get(change.key)) is None or (word in again and not explanation_of(change))
    ]
    if not options.table:
        print(f"{len(open_ones)} of {len(changes)} changes", flush=True)
        _load_packages()
        # pytest.main imports the package, and changes at import need a process without it.
        turn_inside = os.fork()
        if turn_inside == 0:
            os._exit(0 if turn.try_in_process(open_ones) else 1)
        if os.waitpid(turn_inside, 0)[1] != 0:
            return 1
        turn = Turn(options.folder, options.tests, options.seconds)
        turn.try_at_import(open_ones)
    print(table(changes, turn.done))
    return int(any(turn.done.get(change.key) in MISSED and not explanation_of(change) for change in changes))


def _load_packages() -> None:
    """Loads what most tests import, once for all processes."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # threads of a forked process wait for each other on a busy machine
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for name in ("keras", "matplotlib.pyplot", "pandas", "scipy.stats", "sklearn.datasets"):
        importlib.import_module(name)


if __name__ == "__main__":
    sys.exit(main())

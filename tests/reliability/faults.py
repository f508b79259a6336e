"""Lets every file operation of a run fail once, by an error, a full disk or a kill, and looks at what comes out.

    python -m tests.reliability.faults                 every operation, every fault
    python -m tests.reliability.faults --sample 10     ten of them

Each case is a run in a process of its own in which one operation fails. It must end with one line and exit code 1 (or be killed),
`ganlab verify` must find nothing, and the same command must then finish with the same weights, history, metrics and pictures
as a run to which nothing happened. Processes are forked from one that has loaded Keras and not used it yet.
"""

import argparse
import importlib
import itertools
import json
import multiprocessing
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from ganlab.errors import GanlabError
from tests.reliability.injection import FAULTS, NEEDS_SPACE, Injector
from tests.reliability.runs import CONFIG, environment, outcome, require_same, require_sound

# Three checkpoints, of which the first goes, with pictures and metrics: every kind of file of a run, and few operations.
WORDS = [
    "run",
    "tiny.yaml",
    "-q",
    "-o",
    "train.steps=3",
    "-o",
    "output.checkpoint_every=1",
    "-o",
    "output.metrics_every=3",
]
WORDS += ["-o", "output.samples_every=3"]


def forked(results: Path, printed: Path, injector: Injector | None = None, names: Path | None = None) -> int:
    """`ganlab run` in a forked process: its exit code, negative for the signal that ended it."""
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            output = os.open(printed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(output, 1)
            os.dup2(output, 2)
            if injector:
                injector.install()
            from ganlab.cli.main import main

            main([*WORDS, "--results", str(results)])
        except SystemExit as end:
            code = end.code or 0
        finally:
            if names and injector:
                names.write_text(json.dumps(injector.names))
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


class Workplace:
    """A folder in which one worker tries its cases."""

    def __init__(self, folder: Path):
        folder.mkdir()
        (folder / "tiny.yaml").write_text(CONFIG)
        os.chdir(folder)
        names, whole = folder / "names.json", folder / "whole"
        self.folder, self.printed = folder, folder / "printed"
        forked(folder / "first", self.printed)  # fills the cache
        assert forked(whole, self.printed, Injector(whole), names) == 0, self.printed.read_text()
        self.operations: list[str] = json.loads(names.read_text())
        self.expected = outcome(whole)

    def try_one(self, fault: str, at: int) -> str:
        """How the faulty run ended. Raises AssertionError if anything that is promised does not hold."""
        results = self.folder / f"{fault} {at}"
        code = forked(results, self.printed, Injector(results, fault, at))
        lines = self.printed.read_text().splitlines()
        assert code == -9 if fault == "kill" else code in (0, 1), (code, lines)
        assert code != 1 or (len(lines) == 1 and lines[0].startswith(str(results))), lines
        if results.exists():
            require_sound(results)
        assert forked(results, self.printed) == 0, self.printed.read_text()
        require_sound(results)
        require_same(outcome(results), self.expected)
        shutil.rmtree(results)
        return f"{fault}: {'killed' if code == -9 else f'exit code {code}'}"


def all_cases(operations: list[str]) -> list[tuple[str, int]]:
    """(fault, operation). Of the many writes of one file in a row, the first, the middle and the last are enough."""
    chosen, place = [], 0
    for name, group in itertools.groupby(operations):
        count = len(list(group))
        inside = {0, count // 2, count - 1} if name.startswith("write ") else range(count)
        chosen += [place + number for number in sorted(inside)]
        place += count
    faults = {at: [f for f in FAULTS if f != "ENOSPC" or operations[at].startswith(NEEDS_SPACE)] for at in chosen}
    return [(fault, at) for at in chosen for fault in faults[at]]


def sample_of(cases: list[tuple[str, int]], count: int, seed: int) -> list[tuple[str, int]]:
    """So many cases, chosen at random, of each fault as many as of the others."""
    shuffled = random.Random(seed).sample(cases, len(cases))
    by_fault = [[case for case in shuffled if case[0] == fault] for fault in FAULTS]
    return list(itertools.islice(itertools.chain.from_iterable(zip(*by_fault, strict=False)), count))


_workplace: Workplace | None = None


def _open_workplace(work: Path) -> None:
    global _workplace
    _workplace = Workplace(work / f"Läufe {os.getpid()}")


def _try_one(case: tuple[str, int]) -> tuple[str, str | None]:
    """(how it ended, what is wrong)."""
    try:
        return _workplace.try_one(*case), None
    except (AssertionError, GanlabError) as error:
        return "wrong", f"{case[0]} at operation {case[1]} ({_workplace.operations[case[1]]}): {error}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, help="how many cases, chosen at random")
    parser.add_argument("--seed", type=int, default=0, help="of the choice")
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time")
    options = parser.parse_args()
    began, ends, wrong = time.monotonic(), Counter(), []
    importlib.import_module("tests.loaded")  # what the forked processes need is loaded once
    with tempfile.TemporaryDirectory() as name:
        work, fork = Path(name), multiprocessing.get_context("fork")
        os.environ |= environment(work / "cache")
        with fork.Pool(options.jobs, _open_workplace, (work,)) as pool:
            operations = pool.apply(_operations)
            cases = known = all_cases(operations)
            if options.sample:
                cases = sample_of(known, options.sample, options.seed)
            for number, (end, problem) in enumerate(pool.imap_unordered(_try_one, cases), 1):
                ends[end] += 1
                if problem:
                    wrong.append(problem)
                    print(problem, flush=True)
                if number % 50 == 0:
                    print(f"{number} of {len(cases)} cases, {len(wrong)} wrong", flush=True)
    kinds = Counter(name.split(" ")[0] for name in operations)
    report = {"operations": kinds, "cases": len(cases), "of": len(known), "wrong": len(wrong), "ends": ends}
    print(json.dumps(report | {"seconds": round(time.monotonic() - began)}))
    sys.exit(1 if wrong else 0)


def _operations() -> list[str]:
    return _workplace.operations


if __name__ == "__main__":
    main()

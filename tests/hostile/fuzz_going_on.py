"""Goes on with damaged and hostile run folders: python -m tests.hostile.fuzz_going_on --cases 300 --seed 0

`sample`, `evaluate`, `run` and `sweep` must end each with an exit code of their own. But for the run's folder, and the locks and
logs of its results, nothing may change: no file beside the results, no other run. Case n of a seed is always the same.
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import sys
import tarfile
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.hostile import wrong_folders
from tests.hostile.fuzz_run_folder import answer, contents, problem_of
from tests.hostile.watch import watching
from tests.test_made_before import MADE

KINDS = (
    wrong_folders.an_identity,
    wrong_folders.a_place_beside,
    wrong_folders.a_value,
    wrong_folders.an_entry,
    wrong_folders.a_line,
    wrong_folders.a_manifest,
    wrong_folders.a_file,
)
RUN = "study/digits/dense-loss_wasserstein-seed0-d81aadb7"
SWEEP_EVERY = 10  # cases: a sweep starts processes that load a framework
# Which codes each command may end with: 4 for weights that are not finite, 3 for a sweep whose run has failed.
CODES = {"sweep": (0, 1, 2, 3)}
OTHERS = (0, 1, 2, 4, 6, 7)
HANGS = 600  # seconds: the first answers load a framework and measure the real images


def commands(work: Path, number: int) -> list[list[str]]:
    run, results = str(work / RUN), ["--results", str(work / "study")]
    words = [["sample", run, "--count", "4"], ["evaluate", run, "--metric", "is1k_classifier"]]
    words.append(["run", str(work / "dense.yaml"), "-o", "name=dense-loss_wasserstein", "-q", *results])
    if number % SWEEP_EVERY == 0:
        words.append(["sweep", str(work / "study.yaml"), "-q", *results])
    return words


@dataclass
class Figures:
    """What came out: how often which exit code of which command, and what went wrong."""

    codes: Counter = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


def fuzz(numbers: range, seed: int) -> Figures:
    """Goes on with the folders of these numbers one after the other, in this process."""
    figures = Figures()
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as name:
        whole = Path(name) / "whole"
        _lay_out(whole)
        for words in commands(whole, 0):
            code, printed = answer(words, HANGS)
            assert code == 0, printed
        for number in numbers:
            work = Path(shutil.copytree(whole, Path(name) / "work"))
            chance = random.Random(f"{seed}/{number}")
            if chance.random() < 0.6:
                _stop(work / RUN, chance)
            kind = KINDS[number % len(KINDS)]
            with contextlib.suppress(
                OSError, ValueError, TypeError, LookupError
            ):  # a second one may find no place after the first
                for _ in range(chance.choice([1, 1, 2])):
                    kind(work / RUN, chance)
            _go_on(f"case {number}, {kind.__name__}", work, commands(work, number), figures)
            shutil.rmtree(work)
    return figures


def _lay_out(work: Path) -> None:
    """A study of four finished runs, files that a user may have beside it, and bait."""
    work.mkdir()
    with tarfile.open(MADE / "runs.tar.xz") as archive:
        archive.extractall(work, [m for m in archive if m.name.startswith("study")], filter="data")
    for config in ("dense.yaml", "study.yaml"):
        shutil.copy(MADE / config, work)
    for name in ("uv.lock", "uv.owner", "notes.txt"):
        (work / name).write_text("mine\n")
    (work / "study" / ".locks").mkdir()  # as earlier runs have left it
    wrong_folders.lay_bait(work)


def _stop(run: Path, chance: random.Random) -> None:
    """Makes the run one that its process has left before its end."""
    path = run / "status.json"
    status = json.loads(path.read_text()) | {"status": chance.choice(["stopped", "running", "failed", "created"])}
    if chance.random() < 0.3:  # it goes on from its last state, which is its end, or else from its beginning
        del status["checkpoint"]
        shutil.rmtree(run / "checkpoints" / "state-000012")
    path.write_text(json.dumps(status))


def _go_on(label: str, work: Path, answers: list[list[str]], figures: Figures) -> None:
    before = _of_others(work)
    with watching(work / "outside") as touched:
        for words in answers:
            code, printed = answer(words, HANGS)
            figures.codes[words[0], code] += 1
            if problem := problem_of(words[0], code, printed, CODES.get(words[0], OTHERS)):
                figures.failures.append(f"{label}: {words[0]}: {problem}")
            if reached := touched():
                figures.failures.append(f"{label}: {words[0]}: touched {reached}")
            if (after := _of_others(work)) != before:
                changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
                figures.failures.append(f"{label}: {words[0]}: changed {sorted(changed)}")
                before = after
            touched()  # by looking at it


def _of_others(work: Path) -> dict[str, tuple]:
    """All that is no part of the run, of the locks or of the logs; a folder is there or not, whatever its time."""
    own = (f"{work}/study/.locks", f"{work}/study/.sweep", f"{work}/{RUN}")
    found = {path: entry for path, entry in contents(work).items() if not path.startswith(own)}
    return {path: entry if not os.path.isdir(path) or os.path.islink(path) else () for path, entry in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, metavar="CASE", help="Go on with this one case.")
    given = parser.parse_args()
    figures = fuzz(range(given.cases) if given.only is None else range(given.only, given.only + 1), given.seed)
    for command in dict.fromkeys(command for command, _ in figures.codes):
        counts = {code: count for (name, code), count in sorted(figures.codes.items()) if name == command}
        print(f"{command}: " + ", ".join(f"{count} with exit code {code}" for code, count in counts.items()))
    for failure in figures.failures:
        print(f"\nWRONG: {failure}")
    sys.exit(bool(figures.failures))


if __name__ == "__main__":
    main()

"""Shows thousands of damaged and hostile run folders: python -m tests.hostile.fuzz_run_folder --cases 2000 --seed 0

`ls`, `show`, `diff`, `report` and `verify` must answer each with a table or a few lines, end with an exit code of their own, print
nothing that steers a terminal, need little time and memory, touch nothing outside the folder, and leave it as it is. Case n of a
seed is always the same.
"""

import argparse
import contextlib
import io
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from ganlab.cli.main import _exit_code
from tests.hostile.watch import watching
from tests.hostile.whole_run import write_whole_run
from tests.hostile.wrong_folders import KINDS, a_value, lay_bait

FORMATS = ("table", "markdown", "latex", "csv", "json")
CODES = {"verify": (0, 2, 6)}  # which codes each command may end with; the others:
OTHERS = (0, 1, 2, 6, 7)
MOST_SECONDS, MOST_MEGABYTES = 3, 300
HANGS = 60  # seconds after which an answer is not waited for


def commands(results: Path, one: Path, other: Path, chance: random.Random) -> list[list[str]]:
    where = ["--results", str(results)]
    report = ["report", *where, "--format", chance.choice(FORMATS), "--studies", str(results)]
    return [
        ["ls", *where],
        ["ls", *where, "--json"],
        ["show", str(one)],
        ["show", str(one), "--json"],
        ["diff", str(one), str(other)],
        report,
        ["verify", str(one)],
        ["verify", str(results), "--json"],
        ["verify", str(one.parent)],
        ["ls", "--results", str(one.parent)],
    ]


def answer(words: list[str], hangs: int = HANGS) -> tuple[int, str]:
    """Exit code and everything that was printed; 130 for a command that takes so many seconds."""
    printed = io.StringIO()
    signal.alarm(hangs)
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        code = _exit_code(words)
    signal.alarm(0)
    return code, printed.getvalue()


def problem_of(command: str, code: int, printed: str, allowed: tuple[int, ...] = ()) -> str | None:
    """What is wrong with an answer; `allowed` are the exit codes it may have, by default those of the command here."""
    if code not in (allowed or CODES.get(command, OTHERS)) or "internal error" in printed or "Traceback" in printed:
        return f"exit code {code}: {printed[-300:]}"
    steering = {character for character in printed if not character.isprintable()} - {"\n"}
    return f"prints {steering!r}" if steering else None


def contents(folder: Path) -> dict[str, tuple]:
    """All that is in a folder, without opening what is no file: a command that only shows it must leave this as it is."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        kept = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        found[str(path)] = (status.st_mode, status.st_mtime_ns, kept)
    return found


@dataclass
class Figures:
    """What came out: how often which exit code of which command, the slowest answer in seconds of this process, the most memory
    that one took beyond what there was before, what went wrong.
    """

    codes: Counter = field(default_factory=Counter)
    slowest: tuple[float, str] = (0.0, "")
    largest: tuple[float, str] = (0.0, "")
    failures: list[str] = field(default_factory=list)


def fuzz(numbers: range, seed: int) -> Figures:
    """Shows the folders of these numbers one after the other, in this process."""
    figures = Figures()
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as work:
        whole = Path(work) / "whole" / "results"
        names = [write_whole_run(whole, name).relative_to(whole) for name in ("one", "other")]
        (whole / ".locks").mkdir()  # as earlier runs have left it
        bait = lay_bait(Path(work))
        for words in commands(whole, *(whole / name for name in names), random.Random(0)):
            assert answer(words)[0] == 0  # and all is loaded that there is to load
        with watching(bait) as touched:
            for number in numbers:
                results = Path(shutil.copytree(whole, Path(work) / "results"))
                chance = random.Random(f"{seed}/{number}")
                for kind in _kinds(number, chance):
                    with contextlib.suppress(OSError, ValueError):  # the second may find no place after the first
                        kind(results / names[0], chance)
                touched()
                _show(f"case {number}", commands(results, *(results / name for name in names), chance), figures)
                if reached := touched():
                    figures.failures.append(f"case {number}: touched {reached}")
                shutil.rmtree(results)
    return figures


def _kinds(number: int, chance: random.Random) -> list:
    """What is done to a folder: every second time to the values that all commands show, else to one part after the other."""
    if number % 2:
        return [a_value] * chance.randint(1, 2)
    return [KINDS[number // 2 % len(KINDS)], *([chance.choice(KINDS)] * chance.choice([0, 0, 1]))]


def _show(label: str, answers: list[list[str]], figures: Figures) -> None:
    before = contents(Path(answers[0][2]))
    for words in answers:
        Path("/proc/self/clear_refs").write_text("5")  # the peak of the memory is what there is now
        memory, started = _peak_megabytes(), time.process_time()
        code, printed = answer(words)
        seconds, grown = time.process_time() - started, _peak_megabytes() - memory
        figures.slowest = max(figures.slowest, (seconds, f"{label}, {words[0]}"))
        figures.largest = max(figures.largest, (grown, f"{label}, {words[0]}"))
        figures.codes[words[0], code] += 1
        problem = problem_of(words[0], code, printed)
        if seconds > MOST_SECONDS or grown > MOST_MEGABYTES:
            problem = f"{seconds:.1f} s, {grown:.0f} MB"
        if problem:
            figures.failures.append(f"{label}: {' '.join(words[:1] + words[-3:])}: {problem}")
    if contents(Path(answers[0][2])) != before:
        figures.failures.append(f"{label}: was changed")


def _peak_megabytes() -> float:
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)[1]) / 2**10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, metavar="CASE", help="Show this one case.")
    given = parser.parse_args()
    figures = fuzz(range(given.cases) if given.only is None else range(given.only, given.only + 1), given.seed)
    for command in dict.fromkeys(command for command, _ in figures.codes):
        counts = {code: count for (name, code), count in sorted(figures.codes.items()) if name == command}
        print(f"{command}: " + ", ".join(f"{count} with exit code {code}" for code, count in counts.items()))
    (slowest, slow), (largest, large) = figures.slowest, figures.largest
    print(f"{figures.codes.total()} answers; slowest {slowest:.2f} s ({slow}); {largest:.0f} MB at most ({large})")
    for failure in figures.failures:
        print(f"\nWRONG: {failure}")
    sys.exit(bool(figures.failures))


if __name__ == "__main__":
    main()

"""Hands the config reader thousands of files that no one would write: python -m tests.hostile.fuzz_config --cases 10000 --seed 0

Every file must give a config, or one line of ConfigError, in less than a second and 200 MB. Case n of a seed is always the same.
"""

import argparse
import os
import random
import resource
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from ganlab.config.loading import dump_config, load_config
from ganlab.errors import ConfigError
from ganlab.sweeps.configs import configs_of
from tests.hostile.wrong_configs import KINDS, Case

MOST_SECONDS, MOST_MEGABYTES = 1.0, 200


def try_case(case: Case, folder: Path) -> str:
    """Reads the case as ganlab would: "read" or "refused"; raises whatever is wrong with the answer."""
    for name, content in {**case.beside, case.name: case.content}.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    try:
        if case.name == "study.yaml":
            _, problems = configs_of(folder / case.name, (), None)
            for problem in problems:
                _require_one_line(problem)
            return "refused" if problems else "read"
        config = load_config(folder / case.name, case.overrides)
    except ConfigError as error:
        _require_one_line(error)
        return "refused"
    again = folder / "again.yaml"
    again.write_text(dump_config(config), encoding="utf-8")
    assert load_config(again) == config, "written out, it reads as another config"
    return "read"


def _require_one_line(error: Exception) -> None:
    assert isinstance(error, ConfigError), repr(error)
    assert len(str(error).splitlines()) == 1, repr(str(error))
    assert len(str(error)) < 7000, f"a message of {len(str(error))} characters"


@dataclass
class Figures:
    """What came out: of each kind how many were read and refused, the slowest case, the most memory, and what went wrong."""

    counts: Counter = field(default_factory=Counter)
    slowest: tuple[float, str] = (0.0, "")
    megabytes: float = 0.0
    failures: list[str] = field(default_factory=list)


def fuzz(numbers: range, seed: int) -> Figures:
    """Tries the cases of these numbers one after the other in this process.

    Seconds are the process' own, since a busy machine gives it fewer. The memory is the highest the process ever had, above
    what it had at the beginning, so no case can have had more.
    """
    figures = Figures()
    before = _megabytes()
    for number in numbers:
        kind = KINDS[number % len(KINDS)]
        label = f"{kind.__name__}, case {number}"
        with tempfile.TemporaryDirectory() as folder:
            case = kind(random.Random(f"{seed}/{number}"))
            started = time.process_time()
            try:
                figures.counts[kind.__name__, try_case(case, Path(folder))] += 1
            except Exception:
                figures.failures.append(f"{label}: {traceback.format_exc()}")
            seconds = time.process_time() - started
        figures.slowest = max(figures.slowest, (seconds, label))
        grown = _megabytes() - before
        if seconds > MOST_SECONDS or grown > max(MOST_MEGABYTES, figures.megabytes):
            figures.failures.append(f"{label}: {seconds:.2f} s, {grown:.0f} MB")
        figures.megabytes = max(figures.megabytes, grown)
    return figures


def _megabytes() -> float:
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**20 if sys.platform == "darwin" else 2**10)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, metavar="CASE", help="Try this one case and show it.")
    given = parser.parse_args()
    os.environ.setdefault("GANLAB_DATA", "/nowhere")
    if given.only is not None:
        print(KINDS[given.only % len(KINDS)](random.Random(f"{given.seed}/{given.only}")))
    figures = fuzz(range(given.cases) if given.only is None else range(given.only, given.only + 1), given.seed)
    for kind in KINDS:
        read, refused = (figures.counts[kind.__name__, what] for what in ("read", "refused"))
        print(f"{kind.__name__:15} {read:6} read {refused:6} refused")
    slowest, label = figures.slowest
    print(f"{figures.counts.total()} cases; slowest {slowest:.3f} s ({label}); {figures.megabytes:.0f} MB at most")
    for failure in figures.failures:
        print(f"\nWRONG: {failure}")
    sys.exit(bool(figures.failures))


if __name__ == "__main__":
    main()

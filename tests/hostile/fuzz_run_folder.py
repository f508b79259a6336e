"""Shows thousands of damaged and hostile run folders: python -m tests.hostile.fuzz_run_folder --cases 2000 --seed 0

`ls`, `show`, `diff` and `report` must answer each with a table or one line, end with an exit code of their own, and print nothing
that steers a terminal. Case n of a seed is always the same.
"""

import argparse
import contextlib
import io
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from ganlab.cli.main import _exit_code
from tests.run_folders import metric, write_json, write_run

ESCAPES = ["\x1b]0;owned\x07", "\x1b[2J\x1b[31m", "\x9b31m", "\u202egnp.exe", "a\r\nb\x08", "\x00"]
MARKUP = [
    "<script>alert(1)</script>",
    "[red]x[/red]",
    "\\input{/etc/passwd}",
    "=cmd|' /C calc'!A0",
    "a|b",
    "%\\write18{id}",
    "{{7*7}}",
]
VALUES = [
    None,
    True,
    -1,
    0,
    1e308,
    10**400,
    float("nan"),
    float("-inf"),
    "",
    [],
    {},
    [[]],
    {"a": {"b": [1]}},
    "9" * 5000,
    "../../../x",
]
VALUES += [*ESCAPES, *MARKUP]
JSONS = ("status.json", "summary.json", "environment.json")
FORMATS = ("table", "markdown", "latex", "csv", "json")


def make(results: Path, name: str) -> Path:
    """A run folder as one is left, small."""
    folder = write_run(results, name, metrics={"fd1k_classifier": metric(12.5), "is1k_classifier": metric(3.0)})
    (folder / "history.csv").write_text("step,d_loss,g_loss,seconds\n1,1,1,0.1\n2,1,1,0.1\n")
    write_json(folder / "status.json", json.loads((folder / "status.json").read_text()) | {"health": {"verdict": "ok"}})
    return folder


def damage(folder: Path, chance: random.Random) -> None:
    """Changes values, keys or bytes of one or two of the folder's files."""
    for _ in range(chance.randint(1, 2)):
        path = folder / chance.choice([*JSONS, *JSONS, "config.yaml", "history.csv"])
        if path.suffix == ".json" and chance.random() < 0.75:
            try:
                tree = json.loads(path.read_text(encoding="utf-8"))
            except (ValueError, RecursionError):
                continue
            _change(tree, chance)
            path.write_text(json.dumps(tree), encoding="utf-8")
        else:
            content = bytearray(path.read_bytes())
            start = chance.randrange(len(content) + 1)
            new = chance.choice(
                [bytes([chance.randrange(256)]), chance.choice(VALUES[-13:]).encode(), b"[" * 5000, b""]
            )
            content[start : start + chance.choice([0, 1, 5, 500])] = new
            path.write_bytes(content)


def _change(tree, chance: random.Random) -> None:
    place = tree
    while isinstance(place, dict) and place:
        key = chance.choice(list(place))
        if chance.random() < 0.5 or not isinstance(place[key], dict):
            break
        place = place[key]
    if not isinstance(place, dict) or not place:
        return
    if chance.random() < 0.2:
        del place[key]
    elif chance.random() < 0.2:
        place[chance.choice([*ESCAPES, *MARKUP])] = place.pop(key)
    else:
        alike = [value for value in VALUES if type(value) is type(place[key])]  # these come further than others
        place[key] = chance.choice(alike if alike and chance.random() < 0.7 else VALUES)


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
    ]


def answer(words: list[str]) -> tuple[int, str]:
    """Exit code and everything that was printed."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        code = _exit_code(words)
    return code, printed.getvalue()


def problem_of(code: int, printed: str) -> str | None:
    """What is wrong with an answer."""
    if code not in (0, 1, 2, 6, 7) or "internal error" in printed or "Traceback" in printed:
        return f"exit code {code}: {printed[-300:]}"
    steering = {character for character in printed if not character.isprintable()} - {"\n"}
    return f"prints {steering!r}" if steering else None


def fuzz(numbers: range, seed: int) -> tuple[Counter, float, list[str]]:
    """How often which exit code, the slowest answer in seconds of this process, and what went wrong."""
    codes: Counter = Counter()
    slowest, failures = 0.0, []
    for number in numbers:
        chance = random.Random(f"{seed}/{number}")
        results = Path(tempfile.mkdtemp()) / "results"
        one, other = make(results, "one"), make(results, "other")
        damage(one, chance)
        for words in commands(results, one, other, chance):
            started = time.process_time()
            code, printed = answer(words)
            slowest = max(slowest, time.process_time() - started)
            codes[code] += 1
            if problem := problem_of(code, printed):
                failures.append(f"case {number}: {' '.join(words[:1] + words[-3:])}: {problem}")
        shutil.rmtree(results.parent)
    return codes, slowest, failures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    codes, slowest, failures = fuzz(range(given.cases), given.seed)
    listed = ", ".join(f"{count} with exit code {code}" for code, count in sorted(codes.items()))
    print(f"{given.cases} folders, {codes.total()} answers: {listed}; slowest {slowest:.2f} s")
    for failure in failures:
        print(f"\nWRONG: {failure}")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()

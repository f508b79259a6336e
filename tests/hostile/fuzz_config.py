"""Hands the config reader thousands of files that no one would write: python tests/hostile/fuzz_config.py --cases 10000 --seed 0

Every file must give a config, or one line of ConfigError, in less than a second and 200 MB. Case n of a seed is always the same.
"""

import argparse
import json
import os
import random
import resource
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from ganlab.config.loading import dump_config, load_config
from ganlab.errors import ConfigError
from ganlab.sweep.cells import configs_of

ROOT = Path(__file__).parents[2]
FILES = [path.read_bytes() for path in sorted(ROOT.glob("configs/**/*.yaml"))]
WHOLE = [content for content in FILES if b"extends" not in content and b"discriminator:" in content]
STUDY = (ROOT / "experiments/quickstart_study/study.yaml").read_text(encoding="utf-8")
MOST_SECONDS, MOST_MEGABYTES = 1.0, 200

_MARKS = [
    *"{}[]:'\"|>?,#&*!-~%@`",
    "&a",
    "*a",
    "!x",
    "<<",
    "{}",
    "[]",
    "- ",
    ": ",
    "\n",
    "\n  ",
    "\t",
    "---\n",
    "...\n",
]
_WORDS = [
    "null",
    "true",
    "no",
    "-1",
    "0",
    "1e999",
    ".nan",
    "-.inf",
    "0x",
    "9" * 20,
    "é",
    "\0",
    "\u2028",
    "\x1b]0;x\x07",
    "\ufeff",
]
_KEYS = [
    "repeat",
    "layers",
    "Adam",
    "minimax",
    "penalty",
    "r1",
    "every",
    "extends: ",
    "<<: ",
    "&a ",
    "!!python/name:os.system ",
]
PIECES = [*_MARKS, *_WORDS, *_KEYS]
VALUES = [
    None,
    True,
    -1,
    0,
    2**63,
    1.5,
    float("nan"),
    float("inf"),
    "",
    "x",
    "../../x",
    "\x1b[2J",
    "a\nb",
    [],
    {},
    [[]],
    {"": {}},
]
VALUES += [
    {"Dense": {"units": -1}},
    [None] * 50,
    {str(i): i for i in range(50)},
    "y" * 5000,
    "Lambda",
    {"class_name": "Dense", "config": {}},
]


@dataclass
class Case:
    """A file, what lies beside it, and the overrides it is loaded with."""

    content: bytes
    name: str = "config.yaml"
    beside: dict[str, bytes] = field(default_factory=dict)
    overrides: list[str] = field(default_factory=list)


def changed_bytes(chance: random.Random) -> Case:
    content = bytearray(chance.choice(WHOLE))
    for _ in range(chance.randint(1, 6)):
        start = chance.randrange(len(content))
        end = start + chance.choice([0, 1, 1, 4, 30])
        other = chance.choice(FILES)
        cut = chance.randrange(len(other))
        new = [bytes([chance.randrange(256)]), content[start:end] * 2, other[cut : cut + 20], b""]
        content[start:end] = chance.choice(new)
    return Case(bytes(content))


def changed_text(chance: random.Random) -> Case:
    text = chance.choice(WHOLE).decode()
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(text))
        text = text[:start] + chance.choice(PIECES) + text[start + chance.choice([0, 0, 1, 3, 20]) :]
    return Case(text.encode(errors="surrogatepass"))


def changed_value(chance: random.Random) -> Case:
    """Another value at any key of the tree, a key renamed, or one added."""
    tree = yaml.safe_load(chance.choice(WHOLE))
    for _ in range(chance.randint(1, 3)):
        place = chance.choice(list(_containers(tree)))
        key = chance.choice(list(place) if isinstance(place, dict) else range(len(place)))
        if isinstance(place, dict) and chance.random() < 0.3:
            place[chance.choice([*_WORDS, "rate", "units", "steps", "a" * 300])] = chance.choice(VALUES)
        else:
            place[key] = chance.choice([*VALUES, place])  # a place in itself is written as an anchor and its alias
    return Case(yaml.safe_dump(tree, allow_unicode=True).encode(errors="surrogatepass"))


def _containers(tree, depth: int = 0):
    if isinstance(tree, dict | list) and tree and depth < 12:
        yield tree
        for child in tree.values() if isinstance(tree, dict) else tree:
            yield from _containers(child, depth + 1)


def row_of_pieces(chance: random.Random) -> Case:
    text = "".join(chance.choice(PIECES) for _ in range(chance.randint(0, 60)))
    return Case(text.encode(errors="surrogatepass"))


def noise(chance: random.Random) -> Case:
    return Case(chance.randbytes(chance.choice([0, 1, 10, 1000, 300_000])))


def bomb(chance: random.Random) -> Case:
    """Small files that would grow, and large ones that would be slow."""
    size = chance.choice([10, 60, 500, 5000, 50_000])
    head = chance.choice(WHOLE).decode()
    aliases = "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, min(size, 90)))
    forms = [
        "a0: &a0 [x]\n" + aliases,
        "[" * size,
        "- " * size,
        "? " * size,
        "{a: " * size,
        "".join("  " * i + f"k{i}:\n" for i in range(min(size, 400))),
        head + "z: [" + "x," * size + "]",
        head + "".join(f"k{i}: {i}\n" for i in range(size)),
        head + "name: " + "n" * size,
        head + "".join(f"x: {i}\n" for i in range(size)),
        head.replace(
            "layers:",
            "layers: [" + "{repeat: 1000, layers: [" * min(size, 20) + "Dense" + "]}" * min(size, 20) + "]\n  z:",
        ),
        head + "z: '" + "'' " * size + "'",
        head + "z: &" + "a" * size + " 1",
        head + "z: " + "9" * size,
        head + "z: !" + "t" * size + " 1",
        "%YAML 1.2\n" * size + head,
        "#" * size + "\n" + head,
        head + "\n" * size + "\t",
        head + "metrics: [" + "fid5k," * size + "]",
        head + "penalty: {" + "r1: {every: 2}," * size + "}",
    ]
    return Case(chance.choice(forms).encode()[:300_000])


def overridden(chance: random.Random) -> Case:
    def option() -> str:
        keys = chance.choice(
            ["train.steps", "generator.layers[0].Dense.units", "loss", "data", "penalty.r1", "output.grid[1]", "x"]
        )
        more = chance.choice(["", "", ".a", "[0]", "[99999999]", "." * 50, ".a" * 60, "\0", "="])
        value = chance.choice(
            [json.dumps(chance.choice(VALUES[:15])), chance.choice(PIECES), "[" * 3000, "x" * 200_000]
        )
        return f"{keys}{more}={value}"

    return Case(chance.choice(WHOLE), overrides=[option() for _ in range(chance.randint(1, 3))])


def extending(chance: random.Random) -> Case:
    count = chance.choice([1, 3, 11])
    beside = {f"{i}.yaml": f"extends: {i + 1}.yaml\n".encode() for i in range(count)}
    beside[f"{count}.yaml"] = chance.choice(FILES)
    ends = [
        "0.yaml",
        "config.yaml",
        "../config.yaml",
        "/dev/zero",
        "/etc/passwd",
        ".",
        "",
        "0.yaml\0",
        "n" * 5000,
        "[0.yaml]",
        "~",
    ]
    return Case(
        f"extends: {chance.choice(ends)}\n".encode() + chance.choice([b"", changed_text(chance).content]), beside=beside
    )


def study(chance: random.Random) -> Case:
    text = STUDY
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(text))
        piece = chance.choice([*PIECES, "seeds: [0]\n", "matrix: {a.b: [1, 2]}\n", "include: [{a: 1}]\n", "9" * 400])
        text = text[:start] + piece + text[start + chance.choice([0, 0, 1, 3, 20]) :]
    return Case(text.encode(errors="surrogatepass"), "study.yaml", {"base/short.yaml": chance.choice(WHOLE)})


KINDS: list[Callable[[random.Random], Case]] = [changed_bytes, changed_text, changed_value, row_of_pieces, noise]
KINDS += [bomb, overridden, extending, study]


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
    print(
        f"{figures.counts.total()} cases; slowest {figures.slowest[0]:.3f} s ({figures.slowest[1]}); {figures.megabytes:.0f} MB at most"
    )
    for failure in figures.failures:
        print(f"\nWRONG: {failure}")
    sys.exit(bool(figures.failures))


if __name__ == "__main__":
    main()

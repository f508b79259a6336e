"""Config files that no one would write, from real ones: changed bytes, text and values, rows of YAML's marks, bombs and more."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
FILES = [path.read_bytes() for path in sorted(ROOT.glob("configs/**/*.yaml"))]
WHOLE = [content for content in FILES if b"extends" not in content and b"discriminator:" in content]
STUDY = (ROOT / "experiments/quickstart_study/study.yaml").read_text(encoding="utf-8")

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
    "merge",
    "branches",
    "phases",
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
    merges = "{merge: Add, branches: {a: [], b: [" * min(size, 9) + "Dense" + "]}}" * min(size, 9)
    doubled = ", ".join(
        ["&m0 Dense", *(f"&m{i} {{merge: Add, branches: {{a: [*m{i - 1}], b: [*m{i - 1}]}}}}" for i in range(1, 40))]
    )
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
        head.replace("layers:", f"layers: [{merges}]\n  z:"),
        head.replace("layers:", f"layers: [{doubled}]\n  z:"),
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

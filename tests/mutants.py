"""Changes one operator, number or statement of the package at a time and asks the tests: `python -m tests.mutants [PATH...]`.

A change that no test of its module notices survives. It is printed with its place, for a new test or an explanation. The
sample is seeded, so that the same command makes the same changes. Every change is made in a copy of this checkout.
"""

import argparse
import ast
import copy
import importlib
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PATHS = (
    "ganlab/training",
    "ganlab/metrics",
    "ganlab/config/identity.py",
    *(f"ganlab/objectives/{name}.py" for name in ("gan", "vae", "averages", "inputs")),
)
# What a training step computes is held by the oracle, too.
OF_A_STEP = ("objectives", "losses", "penalties", "stages", "draws")
NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__", "results", "*.egg-info", "build")
_OPERATORS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
_NAMES = {"min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum", "any": "all", "all": "any"}


class Mutant(NamedTuple):
    """One change: the file, relative to the checkout, the place in it, the change in words, and the changed source."""

    file: str
    line: int
    change: str
    source: str


def changes_of(node: ast.AST) -> Iterator[tuple[str, Callable[[ast.AST], None]]]:
    """The changes of one node: each in words, and a function that makes it in a copy of the node."""
    match node:
        case ast.BinOp() | ast.BoolOp() if (new := _OPERATORS.get(type(node.op))) is not None:
            yield f"{type(node.op).__name__} -> {new.__name__}", lambda copied: setattr(copied, "op", new())
        case ast.Compare() if (new := _OPERATORS.get(type(node.ops[0]))) is not None:
            yield f"{type(node.ops[0]).__name__} -> {new.__name__}", lambda copied: copied.ops.__setitem__(0, new())
        case ast.UnaryOp(op=ast.USub() | ast.Not()):
            yield f"without {type(node.op).__name__}", lambda copied: setattr(copied, "op", ast.UAdd())
        case ast.Constant(value=bool()):
            yield f"{node.value} -> {not node.value}", lambda copied: setattr(copied, "value", not node.value)
        case ast.Constant(value=int() | float()):
            for new in {node.value + 1, node.value * 2} - {node.value}:
                yield f"{node.value} -> {new}", lambda copied, new=new: setattr(copied, "value", new)
        case ast.Name(id=name) if name in _NAMES:
            yield f"{name} -> {_NAMES[name]}", lambda copied: setattr(copied, "id", _NAMES[name])
        case ast.Attribute(attr=name) if name in _NAMES:
            yield f"{name} -> {_NAMES[name]}", lambda copied: setattr(copied, "attr", _NAMES[name])
        case ast.Set() | ast.List() | ast.Tuple(ctx=ast.Load()) if len(node.elts) > 1:
            for index, element in enumerate(node.elts):
                yield f"without {ast.unparse(element)}", lambda copied, index=index: copied.elts.pop(index)
        case ast.Expr(value=ast.Call()):
            yield f"without {ast.unparse(node)}", lambda copied: setattr(copied, "value", ast.Constant(None))
        case ast.If() | ast.IfExp():
            negated = ast.UnaryOp(ast.Not(), node.test)
            yield "condition -> its contrary", lambda copied: setattr(copied, "test", negated)


def mutants_of(file: Path) -> Iterator[Mutant]:
    """Every change of one source file, in the order of the file; texts of messages, types and decorators stay."""
    tree = ast.parse(file.read_text())
    skipped = {inner for node in ast.walk(tree) for outer in _without_effect(node) for inner in ast.walk(outer)}
    for index, node in enumerate(ast.walk(tree)):
        if node in skipped:
            continue
        for change, make in changes_of(node):
            copied = copy.deepcopy(tree)
            make(list(ast.walk(copied))[index])
            source = ast.unparse(ast.fix_missing_locations(copied))
            yield Mutant(str(file.relative_to(ROOT)), node.lineno, change, source)


def _without_effect(node: ast.AST) -> list[ast.AST]:
    found = [getattr(node, name, None) for name in ("annotation", "returns")]
    found += getattr(node, "decorator_list", [])
    return [part for part in [*found, node if isinstance(node, ast.JoinedStr | ast.Raise) else None] if part]


def tests_of(file: str) -> list[list[str]]:
    """The tests of a module: those of its own file, then those of its folder that speak of it, if the first notice nothing."""
    folder, name = Path(file).parent.name, Path(file).stem
    own = f"tests/{folder}/test_{name}.py"
    files = sorted((ROOT / "tests" / folder).glob("test_*.py"))
    speaking = [test for test in files if re.search(rf"\b{name}\b", test.read_text())]
    if folder in OF_A_STEP:  # they speak of objectives by the names of keys
        speaking = files
    further = [path for test in speaking or files if (path := str(test.relative_to(ROOT))) != own]
    if {folder, name} & {*OF_A_STEP}:
        further.append("tests/oracle")
    return [tests for tests in ([own] if (ROOT / own).exists() else [], further) if tests]


def outcome(mutant: Mutant, root: Path, limit: float) -> str:
    """What the tests of the module say of the change: noticed, too slow (they did not end in time) or SURVIVED."""
    path = root / mutant.file
    original = path.read_text()
    path.write_text(mutant.source)
    try:
        codes = (_exit_code(tests, root, limit) for tests in tests_of(mutant.file))
        failed = next((code for code in codes if code != 0), 0)
        return {0: "SURVIVED", None: "too slow"}.get(failed, "noticed")
    finally:
        path.write_text(original)


def _test(tests: list[str], root: Path) -> None:
    """What a child does: pytest on `tests` in the copy of the checkout."""
    os.setsid()
    os.chdir(root)
    sys.path[:] = [str(root), *(path for path in sys.path if path not in ("", str(ROOT)))]
    for name in [name for name in sys.modules if name.split(".")[0] in ("tests", "ganlab")]:
        del sys.modules[name]
    with open(os.devnull, "w") as nothing:
        os.dup2(nothing.fileno(), 1)
        os.dup2(nothing.fileno(), 2)
    import pytest

    code = pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-m", "not slow and not data", *tests])
    os._exit(int(code))


def _exit_code(tests: list[str], root: Path, limit: float) -> int | None:
    """Of pytest in a child; None if it took more than `limit` seconds."""
    child = os.fork()
    if child == 0:
        _test(tests, root)
    end = time.monotonic() + limit
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.05)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def _load_packages() -> None:
    """Loads what most tests import, once for all children: ganlab itself is read anew by each."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.dont_write_bytecode = True  # a changed file of the same second and size would be taken for the old one
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    for name in ("keras", "matplotlib.pyplot", "pandas", "pytest", "scipy.stats", "sklearn.datasets"):
        importlib.import_module(name)


def main() -> int:
    """Prints each change and what became of it; the exit code is 1 if some survived."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="*", default=PATHS, help=f"files or folders; default: {' '.join(PATHS)}")
    parser.add_argument("--sample", type=int, default=60, help="changes to try; 0: all")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--limit", type=float, default=300, help="seconds for the tests of one change")
    parser.add_argument("--unchecked", action="store_true", help="do not first run the tests without any change")
    options = parser.parse_args()
    files = sorted(
        file
        for path in options.paths
        for file in ([ROOT / path] if path.endswith(".py") else (ROOT / path).rglob("*.py"))
    )
    mutants = [mutant for file in files for mutant in mutants_of(file)]
    count = len(mutants)
    if options.sample:
        mutants = random.Random(options.seed).sample(mutants, min(options.sample, count))
    print(f"{len(mutants)} of {count} changes in {len(files)} files", flush=True)
    _load_packages()
    survivors = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "checkout"
        shutil.copytree(ROOT, root, ignore=NOT_COPIED)
        every = sorted({test for mutant in mutants for part in tests_of(mutant.file) for test in part})
        if not options.unchecked and _exit_code(every, root, len(every) * options.limit) != 0:
            raise SystemExit(f"some fail without any change: {' '.join(every)}")
        for mutant in mutants:
            start = time.monotonic()
            word = outcome(mutant, root, options.limit)
            survivors += [mutant] * (word == "SURVIVED")
            place = f"{mutant.file}:{mutant.line}"
            print(f"{word:8} {time.monotonic() - start:6.1f} s  {place}: {mutant.change}", flush=True)
    print(f"{len(survivors)} of {len(mutants)} survived")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())

"""Reads study.yaml: a base config, a matrix of values, what to add and to leave out, and seeds."""

import itertools
import math
import os.path
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from ganlab.config.document import Document, Keys, Node, shown
from ganlab.config.merging import keys_of
from ganlab.config.schema import error_in
from ganlab.errors import did_you_mean

MAX_CELLS = 10_000
_KEYS = ("base", "matrix", "include", "exclude", "seeds")
_NOT_VARIED = {
    "name": "a cell is named after its values",
    "extends": "give the config that extends as 'base'",
    "seed": "list seeds under 'seeds'",
}

Values = dict[str, Node]  # dotted key -> value, with its place in the study


@dataclass(frozen=True)
class Study:
    """What a study.yaml says.

    Attributes:
        base: the config that is varied.
        cells: the values of each cell: the matrix in the order of the file (the last key varies fastest), less
            `exclude`, then `include`.
        seeds: of every cell; None for the base config's own.
    """

    base: Path
    cells: list[Values]
    seeds: list[int] | None


def read_study(document: Document, path: Path) -> Study:
    """Reads a study from its YAML document.

    Args:
        document: of the file.
        path: of the file, from which `base` is relative.

    Raises:
        ConfigError: the first mistake found, located.
    """
    return _Reader(document).read(path)


class _Reader:
    def __init__(self, document: Document):
        self.document = document

    def fail(self, keys: Keys, message: str) -> NoReturn:
        raise error_in(self.document, keys, message)

    def read(self, path: Path) -> Study:
        data = self.document.data
        if not isinstance(data, dict):
            self.fail((), f"expected a mapping of keys, received {shown(data)}")
        for key in data:
            if key not in _KEYS:
                self.fail((key,), f"unknown key.{did_you_mean(key, _KEYS)}")
        base = self._base(path)
        return Study(base, self._cells(), self._seeds())

    def _base(self, path: Path) -> Path:
        base = self.document.data.get("base")
        if base is None:
            self.fail(("base",), "missing; expected the path of the config that is varied")
        if not isinstance(base, str):
            self.fail(("base",), f"expected the path of a config, received {shown(base)}")
        if not os.path.isfile(path.parent / base):  # False also for what cannot be a path
            self.fail(("base",), f"no such file: {path.parent / base}")
        return path.parent / base

    def _seeds(self) -> list[int] | None:
        seeds = self.document.data.get("seeds")
        if seeds is None:
            return None
        if not isinstance(seeds, list) or not seeds:
            self.fail(("seeds",), f"expected a list of integers >= 0, received {shown(seeds)}")
        for index, seed in enumerate(seeds):
            if type(seed) is not int or seed < 0:
                self.fail(("seeds", index), f"expected an integer >= 0, received {shown(seed)}")
            if seed in seeds[:index]:
                self.fail(("seeds", index), f"{seed} stands in the list already")
        return seeds

    def _cells(self) -> list[Values]:
        axes = self._matrix()
        if math.prod(len(values) for values in axes.values()) > MAX_CELLS:
            self.fail(("matrix",), f"more than {MAX_CELLS:,} cells, the limit")
        cells = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
        excluded = list(self._mappings("exclude"))
        for index, pattern in excluded:
            for key in pattern:
                if key not in axes:
                    self.fail(("exclude", index, key), f"no key of the matrix.{did_you_mean(key, axes)}")
            if not any(_has(cell, pattern) for cell in cells):
                self.fail(("exclude", index), "leaves out nothing; no cell of the matrix has these values")
        cells = [cell for cell in cells if not any(_has(cell, pattern) for _, pattern in excluded)]
        if not axes and "include" in self.document.data:
            cells = []  # the base alone is a cell only where nothing is varied
        for index, values in self._mappings("include"):
            if any(_has(cell, values) and len(cell) == len(values) for cell in cells):
                self.fail(("include", index), "is a cell of the study already")
            cells.append(values)
        if not cells:
            self.fail(("exclude",), "leaves no cell to run")
        return cells

    def _matrix(self) -> dict[str, list[Node]]:
        node = self.document.root.value.get("matrix")
        if node is None:
            return {}
        if not isinstance(node.value, dict) or not node.value:
            self.fail(("matrix",), f"expected a mapping of keys to lists of values, received {shown(node.plain())}")
        for key, values in node.value.items():
            self._check_key(("matrix", key), key)
            if not isinstance(values.value, list) or not values.value:
                self.fail(("matrix", key), f"expected a list of values, received {shown(values.plain())}")
            plain = values.plain()
            for index, value in enumerate(plain):
                if any(_same(value, other) for other in plain[:index]):
                    self.fail(("matrix", key, index), f"{shown(value)} stands in the list already")
        return {key: values.value for key, values in node.value.items()}

    def _mappings(self, name: str) -> Iterator[tuple[int, Values]]:
        """The mappings that `include` or `exclude` lists, with their indices."""
        node = self.document.root.value.get(name)
        if node is None:
            return
        if not isinstance(node.value, list) or not node.value:
            self.fail((name,), f"expected a list of mappings of keys to values, received {shown(node.plain())}")
        for index, item in enumerate(node.value):
            if not isinstance(item.value, dict) or not item.value:
                self.fail((name, index), f"expected a mapping of keys to values, received {shown(item.plain())}")
            for key in item.value:
                self._check_key((name, index, key), key)
            yield index, item.value

    def _check_key(self, keys: Keys, key: str) -> None:
        parts = keys_of(key)
        if parts is None:
            self.fail(keys, "expected a dotted key, as in train.batch_size")
        if parts[0] in _NOT_VARIED:
            self.fail(keys, f"cannot be varied; {_NOT_VARIED[parts[0]]}")


def _has(cell: Values, values: Values) -> bool:
    return all(key in cell and _same(cell[key].plain(), value.plain()) for key, value in values.items())


def _same(one: object, other: object) -> bool:
    """Whether two YAML values are one: 2 is 2.0, but true is not 1."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)

"""Reads study.yaml: a base config, a matrix of values, cells to include and to exclude, and seeds. Reads a grid of -o options."""

import itertools
import math
import os.path
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganlab.config.document import Document, Node, Place, error_in
from ganlab.config.fields import validate
from ganlab.config.reader import parse_yaml
from ganlab.errors import ConfigError, did_you_mean, raise_first
from ganlab.paths import user_path
from ganlab.sweeps.study_file import StudyFile, is_label, same

MAX_CELLS = 10_000


@dataclass(frozen=True)
class Cell:
    """One combination of values."""

    values: dict[str, Node]  # dotted key -> value, with its place in the study
    named: dict[str, Any]  # key or label of the matrix -> plain value, as `name_cells` takes them

    def has(self, values: Mapping[str, Any]) -> bool:
        """Whether these values are among the cell's."""
        return all(key in self.values and same(self.values[key].plain(), value) for key, value in values.items())


@dataclass(frozen=True)
class Study:
    """A study.yaml.

    Attributes:
        base: the config that is varied.
        cells: the matrix (its last key varies fastest) without `exclude`, then `include`.
        seeds: of every cell; None for the base config's own seed.
    """

    base: Path
    cells: list[Cell]
    seeds: list[int] | None


def read_study(document: Document, path: Path) -> Study:
    """Reads a study from its YAML document; `base` is relative to the path.

    Raises: ConfigError, located; also for a search, which has no cells before its first trials have ended.
    """
    file, base = read_study_file(document, path)
    if file.search:
        raise error_in(document, ("search",), "only `ganlab sweep` trains a search, with no other path beside it")
    return Study(base, _cells(file, document), file.seeds)


def read_study_file(document: Document, path: Path) -> tuple[StudyFile, Path]:
    """The keys of a study, and the path of its base. Raises: ConfigError, located."""
    file = validate(StudyFile, document)
    base = path.parent / user_path(file.base)
    if not os.path.isfile(base):  # False, too, for a text that cannot be a path
        raise error_in(document, ("base",), f"no such file: {base}")
    return file, base


def read_grid(overrides: Sequence[str]) -> tuple[list[str], list[Cell]]:
    """The overrides with one value, and a cell for each combination of the others' values: -o loss=hinge,minimax has two.

    Commas separate values where they would separate the items of a YAML list: not in quotes, brackets and braces.

    Raises: ConfigError, located at the option.
    """
    single, matrix = [], {}
    for option in overrides:
        key, _, text = option.partition("=")
        values = _listed(text, f"-o {option}")
        if len(values) > 1 and key in matrix:
            raise ConfigError(f"-o {option}: {key} has a list of values already")
        if len(values) > 1:
            matrix[key] = Node(values, Place(f"-o {option}"))
        else:
            single.append(option)
    place = Place("-o")
    varied = {"matrix": Node(matrix, place)} if matrix else {}
    document = Document(Node({"base": Node("", place), **varied}, place))
    return single, _cells(validate(StudyFile, document), document)


def _listed(text: str, name: str) -> list[Node]:
    try:
        return parse_yaml(f"[{text}]", name, with_lines=False).root.value
    except ConfigError:  # no list of values: `override` reads the text again, and tells the mistake
        return []


def _cells(file: StudyFile, document: Document) -> list[Cell]:
    root = document.root.value
    if math.prod(map(len, file.matrix.values())) > MAX_CELLS:
        raise error_in(document, ("matrix",), f"more than {MAX_CELLS:,} cells, the limit")
    axes = [_axis(entry, root["matrix"].value[entry].value) for entry in file.matrix]
    varied = {key for axis in axes for cell in axis for key in cell.values}
    cells = [Cell({}, {})] if axes or not file.include else []  # the base alone is a cell if nothing is varied
    for axis in axes:
        cells = [Cell(a.values | b.values, a.named | b.named) for a, b in itertools.product(cells, axis)]
    excluded = [_mistake_of(pattern, index, varied, cells, document) for index, pattern in enumerate(file.exclude)]
    cells = [cell for cell in cells if not any(cell.has(pattern) for pattern in file.exclude)]
    mistakes = [mistake for mistake in excluded if mistake]
    for index, values in enumerate(file.include):
        if any(cell.has(values) and len(cell.values) == len(values) for cell in cells):
            mistakes.append(error_in(document, ("include", index), "is a cell of the study already"))
        cells.append(Cell(root["include"].value[index].value, values))
    raise_first(mistakes)
    if not cells:
        raise error_in(document, ("exclude",), "leaves no cell to run")
    return cells


def _mistake_of(
    pattern: Mapping[str, Any], index: int, varied: Collection[str], cells: Sequence[Cell], document: Document
) -> ConfigError | None:
    """The mistake in an item of `exclude`."""
    for key in pattern:
        if key not in varied:
            return error_in(document, ("exclude", index, key), f"no key of the matrix.{did_you_mean(key, varied)}")
    if not any(cell.has(pattern) for cell in cells):
        return error_in(document, ("exclude", index), "excludes nothing; no cell of the matrix has these values")
    return None


def _axis(entry: str, nodes: list[Node]) -> list[Cell]:
    """A cell for each value of one entry of the matrix."""
    if is_label(entry, [node.plain() for node in nodes]):
        return [Cell(node.value, {entry: tuple(node.plain().items())}) for node in nodes]
    return [Cell({entry: node}, {entry: node.plain()}) for node in nodes]

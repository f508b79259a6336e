"""Reads study.yaml: a base config, a matrix of values, cells to include and to exclude, and seeds. Reads a grid of -o options."""

import itertools
import math
import os.path
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from ganlab.config.document import Document, Keys, Node, Place, error_in, shown
from ganlab.config.fields import Described, Section, located, validate, whole
from ganlab.config.merging import keys_of
from ganlab.config.reader import parse_yaml
from ganlab.errors import ConfigError, did_you_mean
from ganlab.objectives import OBJECTIVES
from ganlab.paths import user_path

MAX_CELLS = 10_000
_NOT_VARIED = {
    "name": "ganlab names a cell after its values",
    "extends": "name the config that extends another under 'base'",
    "seed": "list seeds under 'seeds'",
}


@dataclass(frozen=True)
class Cell:
    """One combination of values."""

    values: dict[str, Node]  # dotted key -> value, with its place in the study
    named: dict[str, Any]  # key or label of the matrix -> plain value, as `name_cells` takes them

    def has(self, values: Mapping[str, Any]) -> bool:
        """Whether these values are among the cell's."""
        return all(key in self.values and _same(self.values[key].plain(), value) for key, value in values.items())


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


def _require_varied(values: dict[str, Any], where: Keys = ()) -> dict[str, Any]:
    for key in values:
        parts = keys_of(key)
        if parts is None:
            raise located("expected a dotted key, as in train.batch_size", (*where, key))
        if parts[0] in _NOT_VARIED:
            raise located(f"cannot be varied; {_NOT_VARIED[parts[0]]}", (*where, key))
    return values


def _require_distinct(values: list[Any]) -> list[Any]:
    for index, value in enumerate(values):
        if any(_same(value, other) for other in values[:index]):
            raise located(f"{shown(value)} is in the list already", (index,))
    return values


def _require_keys(matrix: dict[str, list[Any]]) -> dict[str, list[Any]]:
    setters: dict[str, str] = {}
    for entry, values in _require_varied(matrix).items():
        for index, value in enumerate(values if _is_label(entry, values) else [{entry: None}]):
            for key in _require_varied(value, (entry, index)):
                if setters.setdefault(key, entry) != entry:
                    raise located(f"sets {key}, which '{setters[key]}' sets already", (entry,))
    return matrix


def _filled(kind: Any, words: str, *checks: Callable[[Any], Any]) -> Any:
    """The type of a list or mapping that is not empty; `checks` look at its items."""
    return Annotated[kind, Field(min_length=1), Described(words), *map(AfterValidator, checks)]


_Values = _filled(list[Any], "a list of values", _require_distinct)
_Setting = _filled(dict[str, Any], "a mapping of keys to values", _require_varied)
_Settings = _filled(list[_Setting], "a list of mappings of keys to values")


class StudyFile(Section):
    """The keys of study.yaml."""

    base: Annotated[str, Described("the path of the config that is varied")]
    matrix: _filled(dict[str, _Values], "a mapping of keys to lists of values", _require_keys) = Field({})
    include: _Settings = Field([])
    exclude: _Settings = Field([])
    seeds: _filled(list[whole(0)], "a list of integers >= 0", _require_distinct) | None = None


def read_study(document: Document, path: Path) -> Study:
    """Reads a study from its YAML document; `base` is relative to the path. Raises: ConfigError, located."""
    file = validate(StudyFile, document)
    base = path.parent / user_path(file.base)
    if not os.path.isfile(base):  # False, too, for a text that cannot be a path
        raise error_in(document, ("base",), f"no such file: {base}")
    return Study(base, _cells(file, document), file.seeds)


def read_grid(overrides: Sequence[str]) -> tuple[list[str], list[Cell]]:
    """The overrides with one value, and a cell for each combination of the others' values: -o loss=hinge,minimax has two.

    Commas separate values where they would separate the items of a YAML list: not in quotes, brackets and braces.

    Raises: ConfigError, located at the option.
    """
    single, matrix = [], {}
    for option in overrides:
        key, _, text = option.partition("=")
        values = _listed(text, f"-o {option}")
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
    for index, pattern in enumerate(file.exclude):
        for key in pattern:
            if key not in varied:
                raise error_in(document, ("exclude", index, key), f"no key of the matrix.{did_you_mean(key, varied)}")
        if not any(cell.has(pattern) for cell in cells):
            raise error_in(document, ("exclude", index), "excludes nothing; no cell of the matrix has these values")
    cells = [cell for cell in cells if not any(cell.has(pattern) for pattern in file.exclude)]
    for index, values in enumerate(file.include):
        if any(cell.has(values) and len(cell.values) == len(values) for cell in cells):
            raise error_in(document, ("include", index), "is a cell of the study already")
        cells.append(Cell(root["include"].value[index].value, values))
    if not cells:
        raise error_in(document, ("exclude",), "leaves no cell to run")
    return cells


def _is_label(entry: str, values: list[Any]) -> bool:
    """Whether an entry of the matrix is a label whose values set several keys each; else it is a config's key."""
    is_free = keys_of(entry) == [entry] and not any(entry in kind.config.model_fields for kind in OBJECTIVES.values())
    return is_free and all(isinstance(value, dict) and value for value in values)


def _axis(entry: str, nodes: list[Node]) -> list[Cell]:
    """A cell for each value of one entry of the matrix."""
    if _is_label(entry, [node.plain() for node in nodes]):
        return [Cell(node.value, {entry: tuple(node.plain().items())}) for node in nodes]
    return [Cell({entry: node}, {entry: node.plain()}) for node in nodes]


def _same(one: object, other: object) -> bool:
    """Whether two YAML values are equal: 2 equals 2.0, but true does not equal 1."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)

"""report.yaml of a study: which columns of published.csv form which table, and which pictures show a training."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ganlab.config.document import Document, Keys, shown
from ganlab.config.reader import read_yaml
from ganlab.config.schema import error_in
from ganlab.errors import did_you_mean


@dataclass(frozen=True)
class Strip:
    """A row of sample grids of one run.

    Attributes:
        title: of the figure in the paper.
        name: of the run.
        steps: of the grids.
    """

    title: str
    name: str
    steps: list[int]


@dataclass(frozen=True)
class Layout:
    """How a paper shows its experiments.

    Attributes:
        score: the column of published.csv with the published score.
        tables: title -> column -> heading.
        scores: data set -> title of its table of scores.
        strips: the figures that show a training.
    """

    score: str = "fid"
    tables: dict[str, dict[str, str]] = field(default_factory=dict)
    scores: dict[str, str] = field(default_factory=dict)
    strips: list[Strip] = field(default_factory=list)

    def strip_of(self, name: str) -> Strip | None:
        return next((strip for strip in self.strips if strip.name == name), None)


# What report.yaml may say: a type, [the type of every item], {key: type of its value}, {str: type of every value}.
FORM = {
    "score": str,
    "tables": [{"title": str, "columns": {str: str}}],
    "scores": {str: str},
    "strips": [{"title": str, "name": str, "steps": [int]}],
}
WORDS = {str: "a text", int: "an integer"}


def read_layout(path: Path, columns: list[str]) -> Layout:
    """Reads a report.yaml; where there is none, a study has no tables but that of the scores, in the column `fid`.

    Args:
        path: of the file.
        columns: that published.csv has.

    Raises:
        ConfigError: `file:line:column: key: what was expected and received`.
    """
    if not path.is_file():
        return Layout()
    document = read_yaml(path)
    for keys, message in _mistakes(document.data, FORM, ()):
        raise error_in(document, keys, message)
    data = document.data
    layout = Layout(
        score=data.get("score", "fid"),
        tables={table["title"]: table["columns"] for table in data.get("tables", [])},
        scores=data.get("scores", {}),
        strips=[Strip(**strip) for strip in data.get("strips", [])],
    )
    _require_columns(document, layout, columns)
    return layout


def _mistakes(value: Any, form: Any, keys: Keys) -> Iterator[tuple[Keys, str]]:
    if isinstance(form, list):
        if not isinstance(value, list):
            yield keys, f"expected a list, received {shown(value)}"
            return
        for index, item in enumerate(value):
            yield from _mistakes(item, form[0], (*keys, index))
    elif isinstance(form, dict):
        if not isinstance(value, dict):
            yield keys, f"expected a mapping, received {shown(value)}"
            return
        for key, item in value.items():
            if key not in form and str not in form:
                yield (*keys, key), f"unknown key.{did_you_mean(key, form)}"
            yield from _mistakes(item, form.get(key, form.get(str)), (*keys, key))
        required = () if form is FORM else set(form) - {str, *value}
        for key in sorted(required):
            yield (*keys, key), "missing"
    elif type(value) is not form:
        yield keys, f"expected {WORDS[form]}, received {shown(value)}"


def _require_columns(document: Document, layout: Layout, columns: list[str]) -> None:
    for index, table in enumerate(layout.tables.values()):
        for column in table:
            if column not in columns:
                message = f"published.csv has no such column.{did_you_mean(column, columns)}"
                raise error_in(document, ("tables", index, "columns", column), message)
    if layout.score not in columns:
        raise error_in(document, ("score",), f"published.csv has no column '{layout.score}'")

"""report.yaml of a study: the tables and figures of a paper, and where a config says the same as published.csv."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from ganlab.config.document import error_in
from ganlab.config.fields import Described, Section, Text, validate, whole
from ganlab.config.reader import read_yaml
from ganlab.errors import did_you_mean
from ganlab.reports.facts import Fact


class PaperTable(Section):
    """A table of the paper: its title, and column of published.csv -> heading."""

    title: Text
    columns: Annotated[dict[str, Text], Described("a mapping of columns to headings")]


class Strip(Section):
    """A row of sample grids of one run: the figure's title, the run's name, the steps of the grids."""

    title: Text
    name: Text
    steps: Annotated[list[whole(0)], Described("a list of steps")]


class Layout(Section):
    """How a paper shows its experiments."""

    score: Text = "fid"  # the column of published.csv with the published score
    tables: list[PaperTable] = Field([])  # of the experiments
    scores: dict[str, Text] = Field({})  # data set -> title of its table of scores
    strips: list[Strip] = Field([])  # the figures that show a training
    compare: dict[str, Fact] = Field({})  # column of published.csv -> where a config says it

    def strip_of(self, name: str) -> Strip | None:
        """The figure of an experiment; None where the paper has none."""
        return next((strip for strip in self.strips if strip.name == name), None)


def read_layout(path: Path, columns: list[str]) -> Layout:
    """Reads a report.yaml; without one, a study has only a table of scores, from the column `fid`.

    Raises: ConfigError, with file, line and column, for a mistake or a column that published.csv lacks.
    """
    if not path.is_file():
        return Layout()
    document = read_yaml(path)
    layout = validate(Layout, document)
    named = [("compare", column) for column in layout.compare]
    for index, table in enumerate(layout.tables):
        named += [("tables", index, "columns", column) for column in table.columns]
    for keys in named:
        if keys[-1] not in columns:
            raise error_in(document, keys, f"published.csv has no such column.{did_you_mean(keys[-1], columns)}")
    if layout.score not in columns:
        raise error_in(document, ("score",), f"published.csv has no column '{layout.score}'")
    return layout

"""The experiments of a paper: published.csv of a study, with a row for each, and report.yaml, which explains its columns.

`name` and `dataset` name the runs that ganlab compares with an experiment. `published_verdict`, a column that a study may
have, is what the paper says of a training. The other columns are facts or scores as the paper prints them.
"""

import csv
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import Field

from ganlab.config.document import error_in
from ganlab.config.fields import Described, Section, Text, one_of, validate, whole
from ganlab.config.reader import read_yaml
from ganlab.errors import ConfigError, did_you_mean
from ganlab.metrics.names import better
from ganlab.reports.facts import Fact

REQUIRED = ("name", "dataset")
VERDICT = "published_verdict"
VERDICTS = ("ok", "collapsed", "not_converged", "diverged", "")  # '' where the paper says nothing


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
    """report.yaml: how a paper shows its experiments."""

    score: Text = "fid"  # the column of published.csv with the published score
    better: one_of("lower", "higher") | None = None  # scores; null where the column begins as one of ganlab's metrics
    tables: list[PaperTable] = Field([])  # of the experiments
    scores: dict[str, Text] = Field({})  # data set -> title of its table of scores
    strips: list[Strip] = Field([])  # the figures that show a training
    compare: dict[str, Fact] = Field({})  # column of published.csv -> key of a config

    def strip_of(self, name: str) -> Strip | None:
        """The figure of an experiment; None if the paper has none."""
        return next((strip for strip in self.strips if strip.name == name), None)


@dataclass(frozen=True)
class Publication:
    """The published.csv of a study; `experiments` is data set -> name -> row, in the file's order."""

    folder: Path
    experiments: dict[str, dict[str, dict[str, str]]]
    columns: list[str]

    @property
    def name(self) -> str:
        return self.folder.name

    @cached_property
    def layout(self) -> Layout:
        """The tables and figures of the paper. Raises: ConfigError for a mistake in report.yaml."""
        return read_layout(self.folder / "report.yaml", self.columns)

    def score(self, dataset: str, name: str) -> float | None:
        """The published score of an experiment; None if the paper has none."""
        path = self.folder / "published.csv"
        text = self.experiments[dataset][name].get(self.layout.score, "")
        try:
            return float(text) if text else None
        except ValueError:
            raise ConfigError(f"{path}: {name}: {self.layout.score}: expected a number, received '{text}'") from None

    @property
    def better(self) -> str:
        """Whether "lower" or "higher" scores are better. Raises: ConfigError if neither report.yaml nor the name tells."""
        known = self.layout.better or better(self.layout.score.lower(), "")
        if not known:
            words = f"expected lower or higher, because the name of the score, '{self.layout.score}', does not tell"
            raise ConfigError(f"{self.folder / 'report.yaml'}: better: missing; {words}")
        return known


def read_layout(path: Path, columns: list[str]) -> Layout:
    """Reads a report.yaml. A study without one has only a table of scores, from the column `fid`.

    Raises:
        ConfigError: a mistake, or a column that published.csv lacks, with file, line and column.
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


def read_publications(folder: Path) -> list[Publication]:
    """The publications in a folder of studies, by name; [] if there is no such folder."""
    return [_read(path) for path in sorted(folder.glob("*/published.csv"))]


def _read(path: Path) -> Publication:
    experiments: dict[str, dict[str, dict[str, str]]] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:  # spreadsheets begin a file with a byte order mark
        reader = csv.DictReader(file, restkey="", strict=True)
        try:
            columns = list(reader.fieldnames or [])
            missing = [column for column in REQUIRED if column not in columns]
            if missing:
                raise ConfigError(f"{path}:1: expected the columns {' and '.join(REQUIRED)}, '{missing[0]}' is missing")
            for row in reader:
                if "" in row or None in row.values():
                    raise ConfigError(f"{path}:{reader.line_num}: expected {len(columns)} values")
                if (verdict := row.get(VERDICT, "")) not in VERDICTS:
                    expected = f"{VERDICT}: expected {', '.join(VERDICTS[:-1])} or nothing, received '{verdict}'"
                    raise ConfigError(f"{path}:{reader.line_num}: {expected}")
                on_dataset = experiments.setdefault(row["dataset"], {})
                if on_dataset.setdefault(row["name"], row) is not row:
                    twice = f"{row['name']} on {row['dataset']} is here a second time"
                    raise ConfigError(f"{path}:{reader.line_num}: {twice}")
        except csv.Error as error:
            raise ConfigError(f"{path}:{reader.reader.line_num}: {error}") from error
        except UnicodeDecodeError:
            raise ConfigError(f"{path}: is not UTF-8; save the file as UTF-8") from None
    if not experiments:
        raise ConfigError(f"{path}: expected a row an experiment, received none")
    return Publication(path.parent, experiments, columns)

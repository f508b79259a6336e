"""What papers published, beside which a report puts the runs of the same names.

The folder of a study may have `published.csv`, one row an experiment: `name` and `dataset` say which runs it is compared
with, every other column is a fact or a score as the paper prints it. `report.yaml` beside it says what they are.
"""

import csv
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ganlab.errors import ConfigError
from ganlab.reports.layout import Layout, read_layout

REQUIRED = ("name", "dataset")


@dataclass(frozen=True)
class Publication:
    """The experiments that one paper published.

    Attributes:
        folder: of the study, after which it is named.
        experiments: (dataset, name) -> the row of published.csv, in the file's order.
    """

    folder: Path
    experiments: dict[tuple[str, str], dict[str, str]]

    @property
    def name(self) -> str:
        return self.folder.name

    @cached_property
    def layout(self) -> Layout:
        """Which tables and figures the paper has. Raises: ConfigError for a mistake in report.yaml."""
        return read_layout(self.folder / "report.yaml", self.columns)

    @property
    def columns(self) -> list[str]:
        return list(next(iter(self.experiments.values())))

    def of_dataset(self, dataset: str) -> dict[str, dict[str, str]]:
        """name -> row of every experiment on a data set."""
        return {name: row for (on, name), row in self.experiments.items() if on == dataset}

    def score(self, dataset: str, name: str) -> float | None:
        """The published score of an experiment; None where none was published."""
        path = self.folder / "published.csv"
        text = self.experiments[dataset, name].get(self.layout.score, "")
        try:
            return float(text) if text else None
        except ValueError:
            raise ConfigError(f"{path}: {name}: {self.layout.score}: expected a number, received '{text}'") from None


def read_publications(folder: Path) -> list[Publication]:
    """Every publication in a folder of studies, by name; [] where there is no such folder."""
    return [_read(path) for path in sorted(folder.glob("*/published.csv"))]


def _read(path: Path) -> Publication:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, restkey="", strict=True)
        missing = [column for column in REQUIRED if column not in (reader.fieldnames or [])]
        if missing:
            raise ConfigError(f"{path}:1: expected the columns {' and '.join(REQUIRED)}, '{missing[0]}' is missing")
        experiments: dict[tuple[str, str], dict[str, str]] = {}
        try:
            for row in reader:
                if "" in row or None in row.values():
                    raise ConfigError(f"{path}:{reader.line_num}: expected {len(reader.fieldnames)} values")
                key = (row["dataset"], row["name"])
                if key in experiments:
                    raise ConfigError(f"{path}:{reader.line_num}: {key[1]} on {key[0]} stands here a second time")
                experiments[key] = row
        except csv.Error as error:
            raise ConfigError(f"{path}:{reader.line_num}: {error}") from error
    if not experiments:
        raise ConfigError(f"{path}: expected a row an experiment, received none")
    return Publication(path.parent, experiments)

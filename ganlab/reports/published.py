"""Published experiments: the published.csv of a study, one row an experiment.

`name` and `dataset` say which runs an experiment is compared with. The other columns are facts or scores as the paper
prints them; report.yaml beside it explains them.
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
    """The published.csv of a study; `experiments` is data set -> name -> row, in the file's order."""

    folder: Path
    experiments: dict[str, dict[str, dict[str, str]]]
    columns: list[str]

    @property
    def name(self) -> str:
        return self.folder.name

    @cached_property
    def layout(self) -> Layout:
        """Which tables and figures the paper has. Raises: ConfigError for a mistake in report.yaml."""
        return read_layout(self.folder / "report.yaml", self.columns)

    def score(self, dataset: str, name: str) -> float | None:
        """The published score of an experiment; None where none was published."""
        path = self.folder / "published.csv"
        text = self.experiments[dataset][name].get(self.layout.score, "")
        try:
            return float(text) if text else None
        except ValueError:
            raise ConfigError(f"{path}: {name}: {self.layout.score}: expected a number, received '{text}'") from None


def read_publications(folder: Path) -> list[Publication]:
    """The publications in a folder of studies, by name; [] where there is no such folder."""
    return [_read(path) for path in sorted(folder.glob("*/published.csv"))]


def _read(path: Path) -> Publication:
    experiments: dict[str, dict[str, dict[str, str]]] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:  # spreadsheets begin their files with a mark
        reader = csv.DictReader(file, restkey="", strict=True)
        try:
            columns = list(reader.fieldnames or [])
            missing = [column for column in REQUIRED if column not in columns]
            if missing:
                raise ConfigError(f"{path}:1: expected the columns {' and '.join(REQUIRED)}, '{missing[0]}' is missing")
            for row in reader:
                if "" in row or None in row.values():
                    raise ConfigError(f"{path}:{reader.line_num}: expected {len(columns)} values")
                on_dataset = experiments.setdefault(row["dataset"], {})
                if on_dataset.setdefault(row["name"], row) is not row:
                    twice = f"{row['name']} on {row['dataset']} stands here a second time"
                    raise ConfigError(f"{path}:{reader.line_num}: {twice}")
        except csv.Error as error:
            raise ConfigError(f"{path}:{reader.reader.line_num}: {error}") from error
        except UnicodeDecodeError:
            raise ConfigError(f"{path}: is not UTF-8; save the file as UTF-8") from None
    if not experiments:
        raise ConfigError(f"{path}: expected a row an experiment, received none")
    return Publication(path.parent, experiments, columns)

"""The one form between what a report says and how a format writes it: a table of strings."""

import json
import math
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Column:
    """A column's heading; numbers are set flush right."""

    name: str
    numeric: bool = False


def texts(*names: str) -> list[Column]:
    return [Column(name) for name in names]


def numbers(*names: str) -> list[Column]:
    return [Column(name, numeric=True) for name in names]


@dataclass(frozen=True)
class Table:
    """Columns, rows and notes, as strings that are safe to show.

    A row may be given as a mapping from heading to text, which may lack headings. The footer's rows (a floor, a
    correlation) stand below the others, however those are sorted. Control characters become spaces here, once for all
    formats; what else is special is each format's matter.
    """

    columns: list[Column]
    rows: list[list[str]]
    title: str = ""
    notes: list[str] = field(default_factory=list)
    footer: list[list[str]] = field(default_factory=list)

    def __post_init__(self):
        put = object.__setattr__
        put(self, "rows", [self._cells(row) for row in self.rows])
        put(self, "footer", [self._cells(row) for row in self.footer])
        put(self, "columns", [Column(printable(column.name), column.numeric) for column in self.columns])
        put(self, "title", printable(self.title))
        put(self, "notes", [printable(note) for note in self.notes])

    def _cells(self, row: list[str] | dict[str, str]) -> list[str]:
        cells = [row.get(column.name, "") for column in self.columns] if isinstance(row, dict) else row
        if len(cells) != len(self.columns):
            raise ValueError(f"a row of {len(cells)} cells under {len(self.columns)} columns: {cells}")
        return [printable(cell) for cell in cells]


def printable(text: str) -> str:
    """The text with what could steer a terminal or break a line replaced by spaces."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def exact(value) -> str:
    """A setting as it was written: text as it is, '' for none, anything else as JSON has it."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, default=str)


def decimals(value: float) -> int:
    """Digits after the point that give a value about four significant digits."""
    if not math.isfinite(value) or value == 0:
        return 0
    return min(max(3 - math.floor(math.log10(abs(value))), 0), 6)


def number(value: float | None) -> str:
    """A number for a person: about four significant digits, '' for none."""
    if value is None:
        return ""
    if isinstance(value, int):
        return str(value)
    return f"{value:.2e}" if 0 < abs(value) < 1e-4 else f"{value:.{decimals(value)}f}"


def spread(mean: float | None, deviation: float | None) -> str:
    """A mean and its deviation with as many digits as the mean has; '' for no mean."""
    if mean is None or deviation is None:
        return number(mean)
    return f"{mean:.{decimals(mean)}f} ± {deviation:.{decimals(mean)}f}"


def moment(seconds: float | None) -> str:
    """A time in seconds since 1970 as this place's clock shows it; '' for none."""
    return "" if seconds is None else f"{datetime.fromtimestamp(seconds):%Y-%m-%d %H:%M}"


def span(values: list) -> str:
    """The one value, or the least and the greatest; '' for none."""
    distinct = sorted({value for value in values if value is not None})
    if len(distinct) < 2:
        return number(distinct[0]) if distinct else ""
    return f"{number(distinct[0])} to {number(distinct[-1])}"

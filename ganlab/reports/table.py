"""Tables: the one form between the content of a report and the formats that write it."""

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
    """Columns of text."""
    return [Column(name) for name in names]


def numbers(*names: str) -> list[Column]:
    """Columns of numbers."""
    return [Column(name, numeric=True) for name in names]


@dataclass
class Table:
    """Columns, rows and notes, as text that is safe to show.

    A row is a list of values, or a mapping from heading to value that may lack headings; `text_of` writes the values.
    The footer's rows stay below the others, however a reader sorts those. Control characters become spaces here.
    """

    columns: list[Column]
    rows: list[list[str]]
    title: str = ""
    notes: list[str] = field(default_factory=list)
    footer: list[list[str]] = field(default_factory=list)

    def __post_init__(self):
        self.rows, self.footer = ([self._cells(row) for row in rows] for rows in (self.rows, self.footer))
        self.columns = [Column(printable(column.name), column.numeric) for column in self.columns]
        self.title = printable(self.title)
        self.notes = [printable(note) for note in self.notes]

    def _cells(self, row: list | dict) -> list[str]:
        cells = [row.get(column.name) for column in self.columns] if isinstance(row, dict) else row
        if len(cells) != len(self.columns):
            raise ValueError(f"a row of {len(cells)} cells under {len(self.columns)} columns: {cells}")
        return [printable(text_of(cell)) for cell in cells]


def printable(text: str) -> str:
    """The text, with spaces for characters that could steer a terminal or break a line."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def text_of(value) -> str:
    """A value for a person: numbers rounded, sizes as `8 x 8`, anything else as `exact` writes it."""
    if isinstance(value, list | tuple):
        return " x ".join(map(str, value))
    return number(value) if isinstance(value, float) else exact(value)


def exact(value) -> str:
    """A setting as it was written: text unchanged, '' for None, anything else as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, default=str)


def decimals(value: float) -> int:
    """Digits after the point that give a value about four significant digits."""
    if not math.isfinite(value) or value == 0:
        return 0
    return min(max(3 - math.floor(math.log10(abs(value))), 0), 6)


def number(value: float | None) -> str:
    """A number with about four significant digits; '' for None."""
    if value is None or isinstance(value, int):
        return exact(value)
    return f"{value:.2e}" if 0 < abs(value) < 1e-4 else f"{value:.{decimals(value)}f}"


def spread(mean: float | None, deviation: float | None) -> str:
    """A mean and its deviation, both with the digits of the mean; '' for no mean."""
    if mean is None or deviation is None:
        return number(mean)
    return f"{mean:.{decimals(mean)}f} ± {deviation:.{decimals(mean)}f}"


def moment(seconds: float | None) -> str:
    """Seconds since 1970 as local time; '' for None."""
    return "" if seconds is None else f"{datetime.fromtimestamp(seconds):%Y-%m-%d %H:%M}"


def span(values: list) -> str:
    """The one value, or the least and the greatest; '' for none."""
    distinct = sorted({value for value in values if value is not None})
    return " to ".join(map(number, distinct[:1] + distinct[1:][-1:]))

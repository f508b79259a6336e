"""Tables, which every format writes, and values as text."""

import json
import math
from dataclasses import dataclass, field, replace
from datetime import datetime


@dataclass(frozen=True)
class Column:
    """A column's heading. Numbers are flush right. On a narrow screen, columns of the greatest rank are left out first."""

    name: str
    numeric: bool = False
    rank: int = 0  # 0: never left out


def texts(*names: str, rank: int = 0) -> list[Column]:
    """Columns of text."""
    return [Column(name, rank=rank) for name in names]


def numbers(*names: str, rank: int = 0) -> list[Column]:
    """Columns of numbers."""
    return [Column(name, numeric=True, rank=rank) for name in names]


@dataclass
class Table:
    """Columns and rows, as text that is safe to print: control characters become spaces.

    Attributes:
        rows: a list of values each, or a mapping from heading to value that may lack headings; `text_of` writes a value.
        intro: a line above the table.
        notes: lines below the table.
        footer: rows that stay below the others when a reader sorts the table.
    """

    columns: list[Column]
    rows: list[list[str]]
    title: str = ""
    notes: list[str] = field(default_factory=list)
    footer: list[list[str]] = field(default_factory=list)
    intro: str = ""

    def __post_init__(self) -> None:
        self.rows, self.footer = ([self._cells(row) for row in rows] for rows in (self.rows, self.footer))
        self.columns = [replace(column, name=printable(column.name)) for column in self.columns]
        self.title, self.intro = printable(self.title), printable(self.intro)
        self.notes = [printable(note) for note in self.notes]

    def _cells(self, row: list | dict) -> list[str]:
        cells = [row.get(column.name) for column in self.columns] if isinstance(row, dict) else row
        if len(cells) != len(self.columns):
            raise ValueError(f"a row of {len(cells)} cells under {len(self.columns)} columns: {cells}")
        return [printable(text_of(cell)) for cell in cells]

    def without(self, index: int) -> "Table":
        """The table without one column."""
        kept = {name: [row[:index] + row[index + 1 :] for row in getattr(self, name)] for name in ("rows", "footer")}
        return replace(self, columns=self.columns[:index] + self.columns[index + 1 :], **kept)


def table_of(entries: list[dict]) -> Table:
    """A table with a row for each mapping; the keys are the columns."""
    names = dict.fromkeys(name for entry in entries for name in entry)
    numeric = {name: all(isinstance(entry.get(name), int | None) for entry in entries) for name in names}
    return Table([Column(name, numeric[name]) for name in names], entries)


def to_json(document: dict | list) -> str:
    """JSON text that every reader accepts: NaN and infinity, for which JSON has no word, become null."""
    finite = json.loads(json.dumps(document), parse_constant=lambda word: None)
    return json.dumps(finite, indent=2) + "\n"


def printable(text: str) -> str:
    """The text, with a space for each character that could control a terminal or break a line."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def text_of(value: object) -> str:
    """A value for a reader: a rounded number, a size as `8 x 8`, any other value as `exact` writes it."""
    if isinstance(value, list | tuple):
        return " x ".join(map(str, value))
    return number(value) if isinstance(value, float) else exact(value)


def exact(value: object) -> str:
    """A setting as the user wrote it: text unchanged, '' for None, any other value as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, default=str)


def decimals(value: float) -> int:
    """Number of digits after the point that gives a value about four significant digits."""
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


def duration(seconds: float) -> str:
    """Seconds for a reader: 8 s, 3 min 20 s, 2 h 05 min."""
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def span(values: list) -> str:
    """The one value, or the least and the greatest; '' for none."""
    distinct = sorted({value for value in values if value is not None})
    return " to ".join(map(number, distinct[:1] + distinct[1:][-1:]))

"""Comma-separated values (RFC 4180, with plain line ends)."""

import csv
import io
import re

from ganlab.reports.table import Table


def render(tables: list[Table]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for table in tables:
        writer.writerow([_disarm(column.name) for column in table.columns])
        writer.writerows([_disarm(cell) for cell in row] for row in [*table.rows, *table.footer])
    return text.getvalue()


def _disarm(cell: str) -> str:
    # A spreadsheet runs text that starts like a formula; a negative number is none.
    return "'" + cell if re.match(r"[=+@]|-(?![\d.i])", cell) else cell

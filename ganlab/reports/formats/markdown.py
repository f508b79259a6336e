"""GitHub's Markdown tables."""

import re

from ganlab.reports.table import Table


def render(tables: list[Table]) -> str:
    return "\n".join(_table(table) for table in tables)


def _table(table: Table) -> str:
    lines = [f"## {_escape(table.title)}", ""] if table.title else []
    lines.append(_line(column.name for column in table.columns))
    lines.append("|" + "|".join("---:" if column.numeric else "---" for column in table.columns) + "|")
    lines += [_line(row) for row in [*table.rows, *table.footer]]
    lines += [text for note in table.notes for text in ("", _escape(note))]
    return "\n".join(lines) + "\n"


def _line(cells) -> str:
    return "| " + " | ".join(_escape(cell) for cell in cells) + " |"


def _escape(text: str) -> str:
    # Whatever could start emphasis, code, a link, a tag, an entity or a new cell.
    return re.sub(r"([\\`*_\[\]<>|~&#])", r"\\\1", text)

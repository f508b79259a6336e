"""Tables as text: aligned for terminals and files, GitHub's Markdown, LaTeX, comma-separated values."""

import csv
import io
import re
import unicodedata
from dataclasses import replace

from rich.cells import cell_len

from ganlab.reports.table import Table

_SCREEN = 80  # characters; in a wider table a heading takes several lines
LATEX = {character: "\\" + character for character in "{}$&#%_"}
LATEX |= {"\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "|": r"\textbar{}"}
LATEX |= {"<": r"\textless{}", ">": r"\textgreater{}", '"': r"{\char34}", "--": "-{}-", "±": r"$\pm$"}
# LaTeX would read a star or a bracket at the start of a row as an argument of the line end before it.
LATEX |= {character: f"{{{character}}}" for character in "*[]"}
_FORMULA = re.compile(r"\s*['\"]?\s*[=+@\-\u2212]")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?|-?inf")


def render(tables: list[Table], format_name: str = "table") -> str:
    """The tables in one of WRITERS' formats, with an empty line between them."""
    return "\n".join(WRITERS[format_name](table) for table in tables)


def narrow(table: Table, width: int) -> Table:
    """The table with as many columns as fit into so many characters, and a note about the others."""
    whole = table.columns
    while any(column.rank for column in table.columns) and max(map(cell_len, _lines(table))) > width:
        index = max(range(len(table.columns)), key=lambda index: (table.columns[index].rank, index))
        table = table.without(index)
    left_out = [column.name for column in whole if column not in table.columns]
    notes = [f"For more columns use --wide: {', '.join(left_out)}."] if left_out else []
    return replace(table, notes=[*table.notes, *notes])


def _aligned(table: Table) -> str:
    above = [line for line in (table.title, table.intro) if line]
    return "\n".join([*above, *([""] if above else []), *_lines(table), *table.notes]) + "\n"


def _lines(table: Table) -> list[str]:
    """Headings and rows; the headings of a wide table take several lines."""
    heads, rows = _cells(table)
    lines = _padded([heads, *rows], table)
    if max(map(cell_len, lines)) > _SCREEN:
        words = [re.split(r" |(?<=[._])(?=\w)", head) for head in heads]
        height = max(map(len, words))
        stacked = [[""] * (height - len(head)) + head for head in words]
        lines = _padded([*map(list, zip(*stacked, strict=True)), *rows], table)
    return lines


def _padded(rows: list[list[str]], table: Table) -> list[str]:
    """The rows as lines, with cells of equal width in each column."""
    # Not len: a Chinese character takes two columns of a terminal.
    widths = [max(map(cell_len, cells)) for cells in zip(*rows, strict=True)]
    lines = []
    for cells in rows:
        spaces = [" " * (width - cell_len(cell)) for cell, width in zip(cells, widths, strict=True)]
        padded = zip(cells, spaces, table.columns, strict=True)
        lines.append("  ".join(s + cell if column.numeric else cell + s for cell, s, column in padded).rstrip())
    return lines


def _markdown(table: Table) -> str:
    def escape(text: str) -> str:
        # These characters could start emphasis, code, a link, a tag, an entity or a new cell.
        return re.sub(r"([\\`*_\[\]<>|~&#])", r"\\\1", text)

    heads, rows = _cells(table)
    head, *body = [f"| {' | '.join(map(escape, cells))} |" for cells in (heads, *rows)]
    rule = "|" + "|".join("---:" if column.numeric else "---" for column in table.columns) + "|"
    lines = [f"## {escape(table.title)}", ""] if table.title else []
    lines += [escape(table.intro), ""] if table.intro else []
    lines += [head, rule, *body, *(text for note in table.notes for text in ("", escape(note)))]
    return "\n".join(lines) + "\n"


def _latex(table: Table) -> str:
    def escape(text: str) -> str:
        return re.sub("|".join(map(re.escape, LATEX)), lambda match: LATEX[match[0]], text)

    def line(cells: list[str]) -> str:
        return " & ".join(map(escape, cells)) + r" \\"

    alignment = "".join("r" if column.numeric else "l" for column in table.columns)
    # Comments hold names of users, too: no copy of a line may become a command.
    lines = [f"% {escape(text)}" for text in (table.title, table.intro) if text] + [r"% needs \usepackage{booktabs}"]
    lines += [rf"\begin{{tabular}}{{{alignment}}}", r"\toprule"]
    lines += [line([column.name for column in table.columns]), r"\midrule", *map(line, table.rows)]
    lines += [r"\midrule", *map(line, table.footer)] if table.footer else []
    lines += [r"\bottomrule", r"\end{tabular}", *(f"% {escape(note)}" for note in table.notes)]
    return "\n".join(lines) + "\n"


def _csv(table: Table) -> str:
    heads, rows = _cells(table)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(map(_disarm, cells) for cells in (heads, *rows))
    return text.getvalue()


def _disarm(cell: str) -> str:
    """The cell, with an apostrophe before each part that a spreadsheet would run as a formula.

    Some spreadsheets separate cells by semicolons or tabs, so each such part counts. A number is no formula.
    """
    return "".join(
        "'" + part if _FORMULA.match(unicodedata.normalize("NFKC", part)) and not _NUMBER.fullmatch(part) else part
        for part in re.split(r"([;,\t])", cell)
    )


def _cells(table: Table) -> tuple[list[str], list[list[str]]]:
    return [column.name for column in table.columns], [*table.rows, *table.footer]


WRITERS = {"table": _aligned, "markdown": _markdown, "latex": _latex, "csv": _csv}

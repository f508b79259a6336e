"""Tables as text: aligned for pipes and files, GitHub's Markdown, LaTeX, comma-separated values."""

import csv
import io
import re

from rich.cells import cell_len

from ganlab.reports.table import Table

LATEX = {character: "\\" + character for character in "{}$&#%_"}
LATEX |= {"\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "|": r"\textbar{}"}
LATEX |= {"<": r"\textless{}", ">": r"\textgreater{}", '"': r"{\char34}", "--": "-{}-", "±": r"$\pm$"}
# A star or a bracket at the start of a row would belong to the line end before it.
LATEX |= {character: f"{{{character}}}" for character in "*[]"}


def render(tables: list[Table], format_name: str = "table") -> str:
    """The tables in one of WRITERS' formats, with an empty line between them."""
    return "\n".join(WRITERS[format_name](table) for table in tables)


def _aligned(table: Table) -> str:
    heads, rows = _cells(table)
    # Not len: a Chinese character takes two columns of a terminal.
    widths = [max(map(cell_len, cells)) for cells in zip(heads, *rows, strict=True)]
    lines = [table.title, ""] if table.title else []
    for cells in (heads, *rows):
        spaces = [" " * (width - cell_len(cell)) for cell, width in zip(cells, widths, strict=True)]
        padded = zip(cells, spaces, table.columns, strict=True)
        lines.append("  ".join(s + cell if column.numeric else cell + s for cell, s, column in padded).rstrip())
    return "\n".join([*lines, *table.notes]) + "\n"


def _markdown(table: Table) -> str:
    def escape(text: str) -> str:
        # These characters could start emphasis, code, a link, a tag, an entity or a new cell.
        return re.sub(r"([\\`*_\[\]<>|~&#])", r"\\\1", text)

    heads, rows = _cells(table)
    head, *body = [f"| {' | '.join(map(escape, cells))} |" for cells in (heads, *rows)]
    rule = "|" + "|".join("---:" if column.numeric else "---" for column in table.columns) + "|"
    lines = [f"## {escape(table.title)}", ""] if table.title else []
    lines += [head, rule, *body, *(text for note in table.notes for text in ("", escape(note)))]
    return "\n".join(lines) + "\n"


def _latex(table: Table) -> str:
    def line(cells: list[str]) -> str:
        special = "|".join(map(re.escape, LATEX))
        return " & ".join(re.sub(special, lambda match: LATEX[match[0]], cell) for cell in cells) + r" \\"

    alignment = "".join("r" if column.numeric else "l" for column in table.columns)
    lines = [f"% {table.title}", r"% needs \usepackage{booktabs}", rf"\begin{{tabular}}{{{alignment}}}", r"\toprule"]
    lines += [line([column.name for column in table.columns]), r"\midrule", *map(line, table.rows)]
    lines += [r"\midrule", *map(line, table.footer)] if table.footer else []
    lines += [r"\bottomrule", r"\end{tabular}", *(f"% {note}" for note in table.notes)]
    return "\n".join(lines) + "\n"


def _csv(table: Table) -> str:
    def disarm(cell: str) -> str:
        # A spreadsheet would run text that starts like a formula; a negative number does not.
        return "'" + cell if re.match(r"[=+@]|-(?![\d.i])", cell) else cell

    heads, rows = _cells(table)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(map(disarm, cells) for cells in (heads, *rows))
    return text.getvalue()


def _cells(table: Table) -> tuple[list[str], list[list[str]]]:
    return [column.name for column in table.columns], [*table.rows, *table.footer]


WRITERS = {"table": _aligned, "markdown": _markdown, "latex": _latex, "csv": _csv}

"""A booktabs tabular for each table; the document needs \\usepackage{booktabs}."""

import re

from ganlab.reports.table import Table

SPECIAL = {character: "\\" + character for character in "{}$&#%_"}
SPECIAL |= {"\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "|": r"\textbar{}"}
SPECIAL |= {"<": r"\textless{}", ">": r"\textgreater{}", '"': r"{\char34}", "--": "-{}-", "±": r"$\pm$"}
# The line end before a row would take a star or a bracket at its start for its own.
SPECIAL |= {character: f"{{{character}}}" for character in "*[]"}


def render(tables: list[Table]) -> str:
    return "\n".join(_table(table) for table in tables)


def _table(table: Table) -> str:
    alignment = "".join("r" if column.numeric else "l" for column in table.columns)
    lines = [f"% {table.title}", r"% needs \usepackage{booktabs}", rf"\begin{{tabular}}{{{alignment}}}", r"\toprule"]
    lines += [_line([column.name for column in table.columns]), r"\midrule"]
    lines += [_line(row) for row in table.rows]
    if table.footer:
        lines += [r"\midrule", *(_line(row) for row in table.footer)]
    lines += [r"\bottomrule", r"\end{tabular}"]
    lines += [f"% {note}" for note in table.notes]
    return "\n".join(lines) + "\n"


def _line(cells: list[str]) -> str:
    return " & ".join(_escape(cell) for cell in cells) + r" \\"


def _escape(text: str) -> str:
    return re.sub("|".join(map(re.escape, SPECIAL)), lambda match: SPECIAL[match[0]], text)

"""Plain aligned text, for pipes and files: nothing wrapped, nothing cut."""

from rich.cells import cell_len

from ganlab.reports.table import Table

GAP = "  "


def render(tables: list[Table]) -> str:
    return "\n".join(_table(table) for table in tables)


def _table(table: Table) -> str:
    heads = [column.name for column in table.columns]
    rows = [*table.rows, *table.footer]
    # Not len: a Chinese character takes two columns of a terminal.
    widths = [max(map(cell_len, cells)) for cells in zip(heads, *rows, strict=True)]
    lines = [table.title, ""] if table.title else []
    for cells in (heads, *rows):
        padded = zip(cells, widths, table.columns, strict=True)
        lines.append(GAP.join(_pad(cell, width, column.numeric) for cell, width, column in padded).rstrip())
    return "\n".join([*lines, *table.notes]) + "\n"


def _pad(cell: str, width: int, right: bool) -> str:
    space = " " * (width - cell_len(cell))
    return space + cell if right else cell + space

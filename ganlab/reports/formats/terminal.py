"""Tables on a terminal, with rich."""

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from ganlab.reports.table import Table


def show(tables: list[Table], console: Console | None = None) -> None:
    """Prints tables; one that is wider than the terminal keeps its numbers whole and runs over the edge."""
    console = console or Console(highlight=False)
    width = console.width
    for table in tables:
        drawn = _rich_table(table)
        # rich would fold or cut cells at the terminal's width.
        console.width = 100_000
        console.width = max(width, console.measure(drawn).maximum)
        console.print(drawn, crop=False)
        console.width = width
        for note in table.notes:
            console.print(Text(note, style="dim"))


def _rich_table(table: Table) -> RichTable:
    # Text, not str: rich would take a name such as [bold] for markup.
    drawn = RichTable(title=Text(table.title) if table.title else None, title_justify="left", box=box.SIMPLE_HEAD)
    for column in table.columns:
        heading = Text(column.name.replace(" ", "\n"))  # narrower; values stay on one line
        drawn.add_column(heading, justify="right" if column.numeric else "left", no_wrap=True)
    for rows in filter(None, (table.rows, table.footer)):
        for row in rows:
            drawn.add_row(*map(Text, row))
        drawn.add_section()
    return drawn

"""Tables on a terminal, with rich."""

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from ganlab.reports.table import Table


def show(tables: list[Table], console: Console | None = None) -> None:
    """Prints tables; one that is wider than the terminal keeps its numbers whole and runs over the edge."""
    console = console or Console(highlight=False)
    for table in tables:
        drawn = _rich_table(table)
        width = console.measure(drawn, options=console.options.update(width=10_000)).maximum
        console.print(drawn, width=max(width, console.width), crop=False, no_wrap=True, overflow="ignore")
        for note in table.notes:
            console.print(Text(note, style="dim"))


def _rich_table(table: Table) -> RichTable:
    # Text, not str: rich would take a name such as [bold] for markup.
    drawn = RichTable(
        title=Text(table.title) if table.title else None, title_justify="left", box=box.SIMPLE_HEAD
    )
    for column in table.columns:
        drawn.add_column(Text(column.name), justify="right" if column.numeric else "left", no_wrap=True)
    for row in table.rows:
        drawn.add_row(*map(Text, row))
    return drawn

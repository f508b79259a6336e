"""Where a command's answer goes: a terminal, a pipe or a file."""

import os
import sys
import tempfile
from pathlib import Path

import click

from ganlab.errors import GanlabError
from ganlab.reports.table import Table

results_option = click.option(
    "--results",
    type=click.Path(path_type=Path),
    default=Path("results"),
    show_default=True,
    help="The folder of all runs.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


def print_tables(tables: list[Table]) -> None:
    """Tables with rules on a terminal, plain aligned text elsewhere; no value is ever cut."""
    if sys.stdout.isatty():
        from ganlab.reports.formats import terminal

        terminal.show(tables)
    else:
        from ganlab.reports.formats import text

        click.echo(text.render(tables), nl=False)


def write_text(path: Path, text: str) -> None:
    """Writes a file whole or not at all: what stood there before stays until the new text is on disk."""
    path = Path(path)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def fail_for(problems: list[str]) -> None:
    """Ends a listing that had to leave runs out: the exit code says that what was shown is not all.

    Raises:
        GanlabError: there were problems.
    """
    if len(problems) == 1:
        raise GanlabError(problems[0])
    if problems:
        raise GanlabError(f"{len(problems)} run folders could not be read; the first: {problems[0]}")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask

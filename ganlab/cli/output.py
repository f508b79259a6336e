"""Where a command's answer goes: a terminal, a pipe or a file."""

from pathlib import Path

import click

from ganlab.backends.select import BACKENDS
from ganlab.errors import ConfigError, GanlabError
from ganlab.reports.table import Table
from ganlab.storage.writing import write_text

results_option = click.option(
    "--results",
    type=click.Path(path_type=Path),
    default=Path("results"),
    show_default=True,
    help="The folder of all runs.",
)
backend_option = click.option(
    "--backend", type=click.Choice(BACKENDS), help="What computes; by default the backend that trained the run."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


def print_tables(tables: list[Table]) -> None:
    """Prints tables as aligned text; no value is cut."""
    from ganlab.reports.formats import text

    click.echo(text.render(tables), nl=False)


def print_json(content: dict | list) -> None:
    """JSON with two spaces a level; NaN and infinity become null."""
    from ganlab.reports.table import to_json

    click.echo(to_json(content), nl=False)


def write_file(path: Path, text: str) -> None:
    """Writes a file whole or not at all, and says so on stderr.

    A pipe or device (/dev/stdout) is written to, not replaced; so is the target of a link.
    """
    target = path.resolve()
    # /dev/stdout may lead to a file that has no name any more.
    if path.exists() and not (target.is_file() and target.samefile(path)):
        path.write_text(text, encoding="utf-8")
        return
    write_text(target, text)
    click.echo(f"wrote {path}", err=True)


def raise_all(problems: list[GanlabError], summary: str) -> None:
    """Raises the only problem; of several, prints each on a line and raises the summary."""
    if len(problems) == 1:
        raise problems[0]
    if problems:
        for problem in problems:
            click.echo(problem, err=True)
        raise next((ConfigError for p in problems if isinstance(p, ConfigError)), type(problems[0]))(summary)


def fail_for(problems: list[str]) -> None:
    """Raises a GanlabError if a listing left runs out because of problems."""
    if len(problems) == 1:
        raise GanlabError(problems[0])
    if problems:
        raise GanlabError(f"{len(problems)} run folders could not be read; the first: {problems[0]}")

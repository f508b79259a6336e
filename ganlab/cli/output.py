"""Options that commands share, and the output of their answers: to a terminal, a pipe or a file."""

import contextlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click

from ganlab.backends.select import BACKENDS
from ganlab.errors import ConfigError, GanlabError
from ganlab.paths import user_path
from ganlab.reports.table import Table, printable
from ganlab.storage.writing import write_text


class UserPath(click.Path):
    """A path with `~` as the home folder."""

    def convert(self, value: str | os.PathLike, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        return Path(super().convert(user_path(value), param, ctx))


results_option = click.option(
    "--results", type=UserPath(), default=Path("results"), show_default=True, help="The folder of all runs."
)
backend_option = click.option(
    "--backend", type=click.Choice(BACKENDS), help="What computes; by default the backend that trained the run."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


wide_option = click.option("--wide", is_flag=True, help="Show all columns, also on a narrow terminal.")


_MOST_DIGITS = 20


def integers(least: int) -> Callable:
    """A callback for an option of distinct integers with commas between them; None if the option is not given."""

    def read(context: click.Context, parameter: click.Parameter, text: str | None) -> list[int] | None:
        words = [] if text is None else text.split(",")
        if not all(word.strip().isdecimal() and len(word) <= _MOST_DIGITS and int(word) >= least for word in words):
            raise click.BadParameter(f"expected integers >= {least} with commas between, as in {parameter.metavar}")
        return None if text is None else list(dict.fromkeys(map(int, words)))

    return read


def print_tables(tables: list[Table], wide: bool = False) -> None:
    """Prints tables as aligned text. On a terminal, columns of low rank are left out to fit. No value is cut."""
    from ganlab.reports.formats import text

    if sys.stdout.isatty() and not wide:
        tables = [text.narrow(table, shutil.get_terminal_size().columns) for table in tables]
    click.echo(text.render(tables), nl=False)


def print_json(content: dict) -> None:
    """Prints JSON with two spaces a level. NaN and infinity become null."""
    from ganlab.reports.table import to_json

    click.echo(to_json(content), nl=False)


def write_file(path: Path, text: str) -> None:
    """Writes a file completely or not at all, and prints its name on stderr.

    A pipe, a device (/dev/stdout) or the target of a link is written to, not replaced.
    """
    target = path.resolve()
    # /dev/stdout may lead to a removed file.
    if path.exists() and not (target.is_file() and target.samefile(path)):
        path.write_text(text, encoding="utf-8")
        return
    write_text(target, text)
    click.echo(f"wrote {path}", err=True)


@contextlib.contextmanager
def hinting_at_out(out: Path | None) -> Iterator[None]:
    """Adds a hint at --out to the error of a file that cannot be written into a run's folder."""
    try:
        yield
    except OSError as error:
        if out is not None:
            raise
        raise GanlabError(
            f"{error.filename or 'the picture'}: {error.strerror or error}; --out FILE writes elsewhere"
        ) from error


def raise_all(problems: list[GanlabError], summary: str) -> None:
    """Raises the only problem. Of several, it prints each on a line and raises the summary."""
    if len(problems) == 1:
        raise problems[0]
    if problems:
        for problem in problems:
            click.echo(printable(str(problem)), err=True)
        raise next((ConfigError for p in problems if isinstance(p, ConfigError)), type(problems[0]))(summary)


def fail_for(problems: list[str], told: Sequence[str] = ()) -> None:
    """Prints a line for each run folder that a listing left out, and raises a GanlabError if there is one.

    A terminal shows those that are `told` in the tables already, so they are not repeated there.
    """
    count = f"{len(problems)} run folder{'s' * (len(problems) != 1)} could not be read"
    left = [problem for problem in problems if not (problem in told and sys.stdout.isatty())]
    if problems and not left:
        raise GanlabError(count)
    raise_all([GanlabError(problem) for problem in left], count)

"""`ganlab report`: the tables that compare runs."""

import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from ganlab.cli.completion import metric_names, run_names
from ganlab.cli.output import UserPath, fail_for, print_tables, results_option, wide_option, write_file

if TYPE_CHECKING:
    from ganlab.reports.figures import Figure
    from ganlab.reports.report import Report

FORMATS = ("table", "markdown", "latex", "csv", "json", "html")
_EVERY = 30  # seconds between two looks at the runs
_SHARE = 10  # of the time at most 1 / _SHARE is spent on writing: the runs need the processors
SUFFIXES = {".txt": "table", ".md": "markdown", ".tex": "latex", ".csv": "csv", ".json": "json", ".html": "html"}
SUFFIXES |= {".htm": "html"}


@click.command("report")
@click.argument("paths", nargs=-1, metavar="[PATH|RUN]...", shell_complete=run_names)
@results_option
@click.option("--dataset", help="Only runs on this data set.")
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    shell_complete=metric_names,
    help="Show and sort by this metric; may be given again.",
)
@click.option(
    "--format", "format_name", type=click.Choice(FORMATS), help="[default: by the suffix of --out, or else table]"
)
@click.option("--out", type=UserPath(dir_okay=False), help="Write to this file.")
@click.option("--figures", type=UserPath(file_okay=False), help="Also draw losses and samples into this folder.")
@click.option(
    "--studies",
    type=UserPath(exists=True, file_okay=False),
    help="The folder of studies, whose published scores stand beside the runs of the same names.  [default: experiments, or else"
    " the studies that ship with ganlab]",
)
@click.option("--columns", metavar="KEY,...", help="Show these settings instead of the settings that differ.")
@click.option("--rows", metavar="KEY", help="With --cols: a table of one metric, a row for each value of this setting.")
@click.option("--cols", metavar="KEY", help="With --rows: a column for each value of this setting.")
@click.option(
    "--benchmark",
    metavar="STUDY",
    type=UserPath(exists=True),
    help="Compare the optimizers of this study's runs: the best setting of each, for each problem.",
)
@click.option("--watch", is_flag=True, help="Write --out again when runs have changed, until Ctrl-C.")
@wide_option
def command(
    paths: tuple[str, ...],
    results: Path,
    dataset: str | None,
    metrics: tuple[str, ...],
    format_name: str | None,
    out: Path | None,
    figures: Path | None,
    studies: Path | None,
    columns: str | None,
    rows: str | None,
    cols: str | None,
    benchmark: Path | None,
    watch: bool,
    wide: bool,
) -> None:
    """Compare runs: a table for each data set, a row for each experiment, mean and deviation over its seeds.

    PATH is a run folder or a folder of run folders; without one, all results are taken. RUN is a run's name or identity; a
    config's name stands for its runs of all seeds, a pattern such as 'short-*' for all runs whose names fit. With --dataset,
    the scores that a study published for these names stand beside the runs. The html format is one page with pictures.
    """
    from ganlab.reports.figures import draw_figures
    from ganlab.reports.formats import render, report_tables
    from ganlab.reports.report import build_report
    from ganlab.runs.records import paths_of

    format_name = format_name or _format_of(out)
    is_pivot = rows is not None and cols is not None
    if (rows or cols) and (not is_pivot or columns or format_name in ("json", "html")):
        raise click.UsageError("--rows and --cols go together, without --columns, as table, markdown, latex or csv")
    if benchmark and (is_pivot or columns or watch or format_name == "json"):
        words = "--benchmark goes without --rows, --cols, --columns and --watch, as table, markdown, latex, csv or html"
        raise click.UsageError(words)
    if watch and (out is None or figures):
        raise click.UsageError("--watch needs --out, and goes without --figures")
    chosen = (rows, cols) if is_pivot else columns.split(",") if columns else ()

    def build() -> "Report":  # with --watch, runs may begin meanwhile
        given = {"dataset": dataset, "metrics": metrics, "studies": studies, "columns": chosen, "is_pivot": is_pivot}
        return build_report(paths_of(results, paths), results=results, **given)

    if watch:
        _keep_writing(build, lambda report: write_file(out, render(report, format_name)))
    report = build()
    content, tables_of, text_of, draw = report, report_tables, render, draw_figures
    if benchmark:
        content, tables_of, text_of, draw = _of_benchmark(report, benchmark)
    if out is not None:
        write_file(out, text_of(content, format_name))
    elif format_name == "table":
        print_tables(tables_of(content), wide)
    else:
        click.echo(text_of(content, format_name), nl=False)
    undrawn = _undrawn(draw(content, figures)) if figures else ()
    fail_for([*report.problems, *undrawn], told=report.problems if out is None and format_name == "table" else ())


def _format_of(out: Path | None) -> str:
    """The format that a suffix names; `table` without a file and for a name without a suffix, such as /dev/stdout."""
    if out is None or not out.suffix:
        return "table"
    if (found := SUFFIXES.get(out.suffix.lower())) is None:
        raise click.UsageError(f"--out {out}: unknown suffix; expected one of {', '.join(SUFFIXES)}, or --format")
    return found


def _of_benchmark(report: "Report", study: Path) -> tuple[Any, Callable, Callable, Callable]:
    """The problems of a benchmark, and what makes tables, a text and figures of them."""
    from ganlab.reports.benchmark import benchmark_tables, draw_benchmark, problems_of, render_benchmark

    problems = problems_of(report, _names_in(study), str(study))
    return problems, benchmark_tables, partial(render_benchmark, report), draw_benchmark


def _undrawn(drawn: Iterable["Figure"]) -> Iterator[str]:
    """Says which figures are written, as they come; gives the problems of the others."""
    for figure in drawn:
        if figure.problem:
            yield figure.problem
        if figure.path.is_file():
            click.echo(f"wrote {figure.path}", err=True)


def _names_in(study: Path) -> set[str]:
    """The names of the runs of a study, a config, or a folder of them."""
    from ganlab.errors import raise_first
    from ganlab.sweeps.configs import configs_of

    configs, mistakes = configs_of(study, seeds=[0])
    raise_first(mistakes)
    return {config.name for config in configs}


def _keep_writing(build: Callable[[], "Report"], write: Callable[["Report"], None]) -> NoReturn:
    """Writes the report now, and again whenever a run has changed."""
    from ganlab.reports.progress import trace_of

    seen = None
    while True:
        began, report = time.monotonic(), build()
        if (found := [trace_of(run) for run in report.runs]) != seen:
            seen = found
            write(report)
        time.sleep(max(_EVERY, (_SHARE - 1) * (time.monotonic() - began)))

"""`ganlab report`: the tables that compare runs."""

from pathlib import Path

import click

from ganlab.cli.output import fail_for, print_tables, results_option, write_file

FORMATS = ("table", "markdown", "latex", "csv", "json")


@click.command("report")
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path))
@results_option
@click.option("--dataset", help="Only runs on this data set.")
@click.option("--metric", "metrics", multiple=True, help="Show and sort by this metric; may be given again.")
@click.option("--format", "format_name", type=click.Choice(FORMATS), default="table", show_default=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
def command(paths, results, dataset, metrics, format_name, out):
    """Compare runs: a table for each data set, a row for each experiment, mean and deviation over its seeds.

    PATH is a run folder or a folder of run folders; without one, all results are taken.
    """
    from ganlab.reports.comparison import comparison_tables
    from ganlab.reports.formats import render
    from ganlab.reports.report import build_report

    report = build_report(paths, results=results, dataset=dataset, metrics=metrics)
    if out is not None:
        write_file(out, render(report, format_name))
    elif format_name == "table":
        print_tables(comparison_tables(report))
    else:
        click.echo(render(report, format_name), nl=False)
    fail_for(report.problems)

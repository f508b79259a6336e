"""`ganlab ls`: all runs."""

from pathlib import Path

import click

from ganlab.cli.output import fail_for, json_option, print_json, print_tables, results_option, wide_option


@click.command("ls")
@click.option(
    "--sort",
    metavar="KEY",
    help="Sort by a column, a metric or a key of the config; -KEY sorts from high to low. Runs without a value come last.",
)
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="KEY=VALUE",
    help="Only runs with this value; may be given again. Text may be a pattern: name=short-*.",
)
@results_option
@json_option
@wide_option
def command(sort: str | None, filters: tuple[str, ...], results: Path, as_json: bool, wide: bool) -> None:
    """List runs: name, state, progress, main metric, and the settings in which they differ."""
    from ganlab.reports.runs import listing_document, listing_table
    from ganlab.reports.selection import selected
    from ganlab.runs.records import find_runs, read_runs

    runs, problems = read_runs(find_runs(results))
    all_runs, runs = runs, selected(runs, filters, sort)
    if as_json:
        print_json(listing_document(runs))
    elif runs:
        print_tables([listing_table(runs, problems)], wide)
    elif all_runs:
        click.echo(f"none of {len(all_runs)} runs in {results} fits the filters", err=True)
    elif not problems:
        click.echo(f"no runs in {results}; 'ganlab run CONFIG' makes one", err=True)
    fail_for(problems)

"""`ganlab ls`: all runs."""

import click

from ganlab.cli.output import fail_for, json_option, print_json, print_tables, results_option, wide_option


@click.command("ls")
@results_option
@json_option
@wide_option
def command(results, as_json, wide):
    """List runs: name, state, progress, main metric, and the settings in which they differ."""
    from ganlab.reports.runs import listing_document, listing_table
    from ganlab.runs.records import find_runs, read_runs

    runs, problems = read_runs(find_runs(results))
    if as_json:
        print_json(listing_document(runs))
    elif runs:
        print_tables([listing_table(runs)], wide)
    elif not problems:
        click.echo(f"no runs in {results}; 'ganlab run CONFIG' makes one", err=True)
    fail_for(problems)

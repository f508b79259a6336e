"""What a shell completes: names of runs, keys of a config, metrics. Only folder names and light tables are read, so it is quick."""

from pathlib import Path

import click

from ganlab.paths import user_path


def run_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The names of run folders below --results."""
    results = user_path(ctx.params.get("results") or "results")
    names = {folder.name for folder in Path(results).glob("[!.]*/[!.]*-seed*-*")}
    return sorted(name for name in names if name.startswith(incomplete))


def config_keys(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The keys that -o overrides, each with its `=`."""
    from ganlab.config.descriptions import CONFIG

    keys = (key for key in CONFIG if key != "extends" and "NAME" not in key and "[" not in key)
    return [f"{key}=" for key in keys if key.startswith(incomplete)]


def metric_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The names of metrics."""
    from ganlab.metrics.names import NAMES

    return [name for name in NAMES if name.startswith(incomplete)]

"""`ganlab check`: validate configs and estimate their cost."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganlab.cli.output import UserPath, json_option, print_json, print_tables, raise_all

if TYPE_CHECKING:
    from ganlab.errors import GanlabError
    from ganlab.flows.check import Check
    from ganlab.reports.table import Table


@click.command("check")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=UserPath())
@json_option
def command(paths: tuple[Path, ...], as_json: bool) -> None:
    """Validate configs: layer shapes, parameters, operations a step, disk a run.

    PATH is a config, a folder of *.yaml, a pattern such as 'configs/exp*.yaml', or the name of a config that ships with
    ganlab. All mistakes of a config are told at once, each in a line.
    """
    from ganlab.config.loading import configs_at
    from ganlab.errors import GanlabError

    checks: dict[Path, Check] = {}
    problems = []
    configs = dict.fromkeys(config for path in paths for config in configs_at(path))
    for config in configs:
        try:
            checks[config] = _check(config)
        except GanlabError as error:  # check the other configs, too
            problems += [_named(config, each) for each in (error, *error.others)]
    if as_json:
        found = [{"file": str(path), **check.as_dict()} for path, check in checks.items()]
        print_json({"format": 1, "checks": found, "problems": [_problem(error) for error in problems]})
    elif checks:
        first = next(iter(checks.values()))
        print_tables([_overview(checks), *(_layers(first, name) for name in first.layers if len(checks) == 1)])
        for path, check in checks.items():
            for note in check.notes:
                click.echo(f"{path}: {note}", err=True)
    where = f" in {len(configs) - len(checks)} of {len(configs)} configs" if len(configs) > 1 else ""
    raise_all(problems, f"{len(problems)} mistakes{where}")


def _problem(error: "GanlabError") -> dict[str, str | int | None]:
    """A mistake for JSON; one that lies outside the config has no place."""
    nowhere = dict.fromkeys(("file", "line", "column", "key")) | {"message": str(error)}
    return error.details or nowhere


def _named(path: Path, error: "GanlabError") -> "GanlabError":
    """The error with the config's name before it, if it lies outside the config or in the file that it extends."""
    if str(path) in str(error):
        return error
    named = type(error)(f"{path}: {error}")
    named.details = error.details
    return named


def _check(path: Path) -> "Check":
    from ganlab.errors import GanlabError
    from ganlab.flows.check import check_config

    try:
        return check_config(path)
    except GanlabError:
        raise
    except Exception as error:
        raise GanlabError(f"{path}: internal error: {type(error).__name__}: {error}") from error


def _overview(checks: "dict[Path, Check]") -> "Table":
    """A row for each config, by its file: several files may give one name."""
    from ganlab.reports.table import Table, numbers, texts

    networks = list(dict.fromkeys(name for check in checks.values() for name in check.parameters))
    columns = [*texts("config", "family", "data"), *numbers("steps", *networks, "MFLOP a step", "disk, MB")]
    are_distinct = len({path.name for path in checks}) == len(checks)
    rows = [
        [
            *(path.name if are_distinct else str(path), check.config.family, check.config.data.name),
            "" if check.steps is None else str(check.steps),
            *(_parameters(check, name) for name in networks),
            f"{check.flops / 1e6:,.0f}",
            "" if check.disk is None else f"{check.disk / 1e6:,.0f}",
        ]
        for path, check in checks.items()
    ]
    notes = [f"{' and '.join(networks)}: trainable parameters, and all parameters if some are not trained"]
    return Table(columns, rows, notes=notes)


def _parameters(check: "Check", network: str) -> str:
    if network not in check.parameters:
        return ""
    trainable, whole = check.trainable[network], check.parameters[network]
    return f"{trainable:,}" if trainable == whole else f"{trainable:,} of {whole:,}"


def _layers(check: "Check", network: str) -> "Table":
    from ganlab.reports.table import Table, numbers, texts

    rows = [
        [name, kind, " x ".join(map(str, shape)), f"{count:,}"] for name, kind, shape, count in check.layers[network]
    ]
    return Table([*texts("layer", "class", "output"), *numbers("parameters")], rows, title=network)

"""Chooses and sorts runs by columns of `ganlab ls`, metrics and keys of configs."""

import contextlib
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from ganlab.config.reader import read_scalar
from ganlab.errors import ConfigError, GanlabError, did_you_mean
from ganlab.reports.runs import entry_of
from ganlab.reports.settings import flatten, keys_named, with_numbers
from ganlab.runs.records import RunRecord


def selected(runs: Sequence[RunRecord], filters: Sequence[str] = (), sort: str | None = None) -> list[RunRecord]:
    """The runs that have the values of all filters, sorted.

    Args:
        runs: all runs.
        filters: `KEY=VALUE` each. KEY is a column of the list, the name of a metric (its last value) or a key of the config, as
            `keys_named` reads it, or a heading of the list; VALUE is read as YAML,
            or is a pattern for text.
        sort: a KEY, `-KEY` for the highest value first; None keeps the order. Runs without a value come last.

    Raises: ConfigError for a word without `=`, and for a key that no run has.
    """
    values = [_values(run) for run in runs] if filters or sort else []
    chosen = list(range(len(runs)))
    for word in filters:
        key, equals, text = word.partition("=")
        if not (key and equals):
            raise ConfigError(f"--filter {word}: expected KEY=VALUE, as in --filter status=finished")
        column, wanted = _column(values, key, f"--filter {word}"), _value(text)
        chosen = [index for index in chosen if _fits(column[index], wanted, text)]
    if sort:
        column = _column(values, sort.removeprefix("-"), f"--sort {sort}")
        there = sorted(
            (i for i in chosen if column[i] is not None), key=lambda i: _rank(column[i]), reverse=sort[0] == "-"
        )
        chosen = there + [i for i in chosen if column[i] is None]
    return [runs[index] for index in chosen]


def _values(run: RunRecord) -> dict[str, Any]:
    metrics = {name: metric.get("last") for name, metric in run.metrics.items()}
    config = {}
    with contextlib.suppress(GanlabError):  # the list itself tells of a damaged config
        config = dict(flatten(run.config))
    return config | metrics | entry_of(run)


def _value(text: str) -> Any:
    """A word of the command line as a config would hold it."""
    try:
        return read_scalar(text)
    except ValueError:  # too long for an integer
        return text


def _column(values: Sequence[Mapping[str, Any]], word: str, place: str) -> list[Any]:
    """The value of each run under the one key that a word names."""
    if not (fitting := keys_named(word, values)):  # it may be the heading of numbered networks
        values = with_numbers(values)
        fitting = keys_named(word, values)
    if not fitting and values:
        known = dict.fromkeys(key for each in values for key in each)
        raise ConfigError(f"{place}: no run here has the key {word}.{did_you_mean(word, known)}")
    if len(fitting) > 1:
        raise ConfigError(f"{place}: {word} fits several keys: {', '.join(fitting)}")
    return [each.get(fitting[0]) for each in values] if values else []


def _fits(value: Any, wanted: Any, text: str) -> bool:
    return value is not None and (value in (wanted, text) or (isinstance(value, str) and fnmatchcase(value, text)))


def _rank(value: Any) -> tuple[bool, Any]:
    """Numbers before words, each in their order."""
    is_number = isinstance(value, int | float)
    return not is_number, value if is_number else str(value)

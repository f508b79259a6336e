"""What a report reads from a metric's name: its sample count, its heading, its place among others."""

import re
from collections.abc import Iterable

from ganlab.errors import ConfigError, did_you_mean
from ganlab.metrics.names import better

# A metric's name and the fingerprint of its recipe: only values that share both may be compared.
MetricKey = tuple[str, str | None]


def sample_count(name: str) -> int | None:
    """The number of samples in a metric's name: 5000 for fd5k_classifier, 500 for kd500_random."""
    match = re.match(r"[a-z]+(\d+)(k?)(_|\.|$)", name)
    return int(match[1]) * (1000 if match[2] else 1) if match else None


def main_metric(names: Iterable[str]) -> str | None:
    """The metric to show where there is room for one: the first distance, else the first."""
    return next(iter(sorted(names, key=lambda name: better(name) != "lower")), None)


def label_metrics(keys: Iterable[MetricKey]) -> dict[MetricKey, str]:
    """A heading for each protocol: its name, with the fingerprint where several protocols share the name."""
    keys = list(dict.fromkeys(keys))
    names = [name for name, _ in keys]
    return {(name, mark): name if names.count(name) == 1 else f"{name} [{mark}]" for name, mark in keys}


def choose_metrics(keys: Iterable[MetricKey], wanted: Iterable[str]) -> list[MetricKey]:
    """The metrics a user asked for, in the order asked for; all of them if none was named.

    `pr5k_classifier` stands for its four parts, `pr5k_classifier.recall` for one.

    Raises:
        ConfigError: no run has such a metric.
    """
    keys, wanted = list(dict.fromkeys(keys)), list(wanted)
    chosen = []
    for word in wanted:
        found = [key for key in keys if key[0] == word or key[0].startswith(f"{word}.")]
        if not found:
            names = {name for name, _ in keys}
            hint = did_you_mean(word, names) if names else " No run here has any metric."
            raise ConfigError(f"--metric {word}: no run here has this metric.{hint}")
        chosen += found
    return list(dict.fromkeys(chosen)) if wanted else keys

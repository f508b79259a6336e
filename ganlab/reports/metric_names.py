"""Metrics that may be compared, and the parts of a metric's name."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from ganlab.errors import ConfigError, did_you_mean
from ganlab.metrics.names import is_distance


class MetricKey(NamedTuple):
    """Two values stand in one column, and enter one mean, only if all five are equal.

    Attributes:
        name: as in the config, with a suffix if the protocol gives several values.
        protocol: fingerprint of the recipe.
        data: fingerprint of the training images.
        weights: sha256 of the extractor's weights.
        real: sha256 of the real data if they are not the training images alone: a test split, or labels that are not published.
    """

    name: str
    protocol: str | None = None
    data: str | None = None
    weights: str | None = None
    real: str | None = None


def sample_count(name: str) -> int | None:
    """The number of samples in a metric's name: 5000 for fd5k_classifier, 500 for kd500_random."""
    match = re.match(r"[a-z]+(\d+)(k?)(_|\.|$)", name)
    return int(match[1]) * (1000 if match[2] else 1) if match else None


def main_metric(names: Iterable[str]) -> str | None:
    """The metric for a list that has room for one: the first distance, else the first metric."""
    return next(iter(sorted(names, key=lambda name: not is_distance(name))), None)


def label_metrics(keys: Iterable[MetricKey]) -> dict[MetricKey, str]:
    """A heading for each key: the name and, where keys share it, the first parts in which they differ.

    Examples: `fd5k`, `fd5k [3f0a...]` for two recipes, `fd5k [data 77aa0123]`, `fd5k [weights c0a5ecf4]`.
    """
    keys = list(dict.fromkeys(keys))
    labels = {}
    for key in keys:
        others, marks = [other for other in keys if other.name == key.name and other != key], []
        for part, word in (("protocol", ""), ("data", "data "), ("weights", "weights "), ("real", "real ")):
            mine = getattr(key, part)
            if any(getattr(other, part) != mine for other in others):
                others = [other for other in others if getattr(other, part) == mine]
                marks.append(f"{word}{mine if part == 'protocol' else (mine or 'unknown')[:8]}")
        labels[key] = f"{key.name} [{', '.join(marks)}]" if marks else key.name
    return labels


def choose_metrics(keys: Iterable[MetricKey], wanted: Iterable[str]) -> list[MetricKey]:
    """The metrics that a user asks for, in this order; all metrics if none is named.

    `pr5k_classifier` stands for its four parts, `pr5k_classifier.recall` for one.

    Raises:
        ConfigError: no run has such a metric.
    """
    keys, wanted = list(dict.fromkeys(keys)), list(wanted)
    chosen = []
    for word in wanted:
        found = [key for key in keys if key.name == word or key.name.startswith(f"{word}.")]
        if not found:
            names = {key.name for key in keys}
            hint = did_you_mean(word, names) if names else " No run here has any metric."
            raise ConfigError(f"--metric {word}: no run here has this metric.{hint}")
        chosen += found
    return list(dict.fromkeys(chosen)) if wanted else keys

"""Metric names: each is one fixed protocol, so that values of one name can be compared."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ganlab.errors import ConfigError, did_you_mean
from ganlab.metrics.evaluation import MetricValue, evaluate_all, prepare
from ganlab.metrics.extractors import EXTRACTORS
from ganlab.metrics.inception_weights import find_source
from ganlab.metrics.measures import MEASURES
from ganlab.metrics.names import ROWS
from ganlab.metrics.statistics import SELECTION_SEED

if TYPE_CHECKING:
    from ganlab.data.dataset import Dataset

__all__ = ["NAMES", "MetricValue", "Protocol", "better", "evaluate_all", "prepare", "resolve"]

NAMES = tuple(ROWS)


@dataclass(frozen=True)
class Protocol:
    """How a metric is computed, as its name fixes it.

    Attributes:
        name: for instance "fd5k_classifier".
        kind: a key of `measures.MEASURES`.
        count: number of generated images and, but for `_full`, of real ones.
        extractor: a key of `extractors.EXTRACTORS`.
    """

    name: str
    kind: str
    count: int
    extractor: str

    @property
    def recipe(self) -> dict[str, Any]:
        """All that decides the value besides data, weights and versions; plain data."""
        whole = MEASURES[self.kind].real == "whole"
        sample = {"count": self.count, "split": "train", "selection_seed": SELECTION_SEED}
        return {
            "kind": self.kind,
            **MEASURES[self.kind].settings,
            "extractor": EXTRACTORS[self.extractor].recipe,
            "generated": self.count,
            "quantised": "uint8",
            "real": {"count": "all", "split": "train"} if whole else sample,
        }

    @property
    def fingerprint(self) -> str:
        """The first 16 hex digits of the sha256 of the recipe."""
        return hashlib.sha256(json.dumps(self.recipe, sort_keys=True).encode()).hexdigest()[:16]

    def evaluate(
        self, generate: Callable[[int], np.ndarray], dataset: "Dataset", value_range: str
    ) -> list[MetricValue]:
        """`evaluate_all` for this protocol alone."""
        return evaluate_all([self], generate, dataset, value_range)


def better(name: str) -> str:
    """Whether "lower" or "higher" values of a metric are better, by its name or a value's name."""
    return MEASURES[_parse(name.partition(".")[0]).kind].better


def resolve(
    metrics: str | Sequence[str],
    dataset: "Dataset",
    error_at: Callable[[tuple, str], ConfigError] | None = None,
) -> list[Protocol]:
    """The protocols a config asks for.

    Args:
        metrics: names, or "auto": fid5k where Inception's weights are on this machine and there are 5,000 images, else
            Frechet distance, Inception Score and precision/recall by classifier for images with labels, else the
            Frechet distance by random network, at 5k or 1k as the data set has images; none for data that are no
            images or fewer than 1,000.
        dataset: the data set to be compared with.
        error_at: makes the located error of a message about a key of the config.

    Raises:
        ConfigError: for an unknown name, or one that the data set has too few images or no labels for.
        MissingDataError: if GANLAB_INCEPTION names a file that is not there.
    """
    if metrics == "auto":
        return _choose(dataset)
    if isinstance(metrics, str):
        raise _error(error_at, ("metrics",), f"expected 'auto' or a list of names, received '{metrics}'.")
    protocols = []
    for position, name in enumerate(dict.fromkeys(metrics)):
        try:
            protocols.append(_checked(name, dataset))
        except ConfigError as error:
            raise _error(error_at, ("metrics", position), str(error)) from None
    return protocols


def _choose(dataset: "Dataset") -> list[Protocol]:
    counts = [n for n in (5, 1) if n * 1000 <= dataset.count]
    if len(dataset.shape) != 3 or not counts:
        return []
    if counts[0] == 5 and dataset.shape[-1] in EXTRACTORS["inception"].channels and find_source() is not None:
        return [_parse("fid5k")]
    labelled = dataset.train.labels is not None
    names = ["fd{}k_classifier", "is{}k_classifier", "pr{}k_classifier"] if labelled else ["fd{}k_random"]
    return [_parse(name.format(counts[0])) for name in names]


def _checked(name: str, dataset: "Dataset") -> Protocol:
    protocol = _parse(name)
    if len(dataset.shape) != 3:
        raise ConfigError(f"{name} needs images, received data of shape {dataset.shape}.")
    if protocol.count > dataset.count:
        raise ConfigError(
            f"{name} needs {protocol.count:,} real images, the training set of {dataset.name} has {dataset.count:,}."
        )
    source = EXTRACTORS[protocol.extractor]
    if source.needs_labels and dataset.train.labels is None:
        raise ConfigError(f"{name} needs labels, {dataset.name} has none.")
    if source.channels and dataset.shape[-1] not in source.channels:
        raise ConfigError(f"{name} needs grey or RGB images, received data of shape {dataset.shape}.")
    return protocol


def _parse(name: str) -> Protocol:
    if name not in NAMES:
        raise ConfigError(f"unknown metric '{name}'.{did_you_mean(name, NAMES)}")
    row = ROWS[name]
    return Protocol(name, row.kind, row.count, row.extractor)


def _error(error_at: Callable | None, keys: tuple, message: str) -> ConfigError:
    if error_at is not None:
        return error_at(keys, message)
    where = keys[0] + "".join(f"[{key}]" for key in keys[1:])
    return ConfigError(f"{where}: {message}")

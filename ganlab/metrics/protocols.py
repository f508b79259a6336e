"""Metric names: each is one fixed protocol, so that values of one name can be compared."""

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ganlab.errors import ConfigError, did_you_mean
from ganlab.metrics import classifier, random_network
from ganlab.metrics.evaluation import MetricValue, evaluate_all, prepare
from ganlab.metrics.measures import MEASURES
from ganlab.metrics.statistics import SELECTION_SEED

if TYPE_CHECKING:
    from ganlab.data.dataset import Dataset

__all__ = ["NAMES", "MetricValue", "Protocol", "better", "evaluate_all", "prepare", "resolve"]

_EXTRACTOR_RECIPES = {"classifier": classifier.RECIPE, "random": random_network.RECIPE}
_THOUSANDS = (1, 5, 10, 50)
NAMES = tuple(
    f"{kind}{thousands}k_{extractor}"
    for kind, extractor in [
        ("fd", "classifier"),
        ("is", "classifier"),
        ("pr", "classifier"),
        ("fd", "random"),
    ]
    for thousands in _THOUSANDS
)
_NAME = re.compile(r"(?P<kind>[a-z]+)(?P<thousands>\d+)k_(?P<extractor>[a-z]+)")


@dataclass(frozen=True)
class Protocol:
    """How a metric is computed, as its name fixes it.

    Attributes:
        name: for instance "fd5k_classifier".
        kind: a key of `measures.MEASURES`.
        count: number of generated and of real images.
        extractor: "classifier" or "random".
    """

    name: str
    kind: str
    count: int
    extractor: str

    @property
    def recipe(self) -> dict[str, Any]:
        """All that decides the value besides data, weights and versions; plain data."""
        return {
            "kind": self.kind,
            **MEASURES[self.kind].settings,
            "extractor": _EXTRACTOR_RECIPES[self.extractor],
            "generated": self.count,
            "quantised": "uint8",
            "real": {"count": self.count, "split": "train", "selection_seed": SELECTION_SEED},
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
        metrics: names, or "auto": Frechet distance, Inception Score and precision/recall by classifier for
        images
            with labels, else the Frechet distance by random network, at 5k or 1k as the data set has images;
            none for data that are no images or fewer than 1,000.
        dataset: the data set to be compared with.
        error_at: makes the located error of a message about a key of the config.

    Raises:
        ConfigError: for an unknown name, or one that the data set has too few images or no labels for.
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
    if protocol.extractor == "classifier" and dataset.train.labels is None:
        raise ConfigError(f"{name} needs labels, {dataset.name} has none.")
    return protocol


def _parse(name: str) -> Protocol:
    if name not in NAMES:
        raise ConfigError(f"unknown metric '{name}'.{did_you_mean(name, NAMES)}")
    kind, thousands, extractor = _NAME.fullmatch(name).groups()
    return Protocol(name, kind, int(thousands) * 1000, extractor)


def _error(error_at: Callable | None, keys: tuple, message: str) -> ConfigError:
    if error_at is not None:
        return error_at(keys, message)
    where = keys[0] + "".join(f"[{key}]" for key in keys[1:])
    return ConfigError(f"{where}: {message}")

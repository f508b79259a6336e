"""From the metrics that a config asks for to protocols: each is fixed by its name, so that its values can be compared."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ganlab.errors import ConfigError, did_you_mean
from ganlab.metrics.extractors import EXTRACTORS
from ganlab.metrics.inception_weights import find_source
from ganlab.metrics.names import NAMES, Metric, Real

if TYPE_CHECKING:
    from ganlab.data.dataset import Dataset


@dataclass(frozen=True)
class Protocol:
    """How a metric is computed, as its name fixes it.

    Attributes:
        name: for instance "fd5k_classifier".
        metric: its row in `names.METRICS`.
        count: number of generated images, and of real ones in a sample.
    """

    name: str
    metric: Metric
    count: int

    @property
    def parts(self) -> tuple[Real, ...]:
        """The parts of the real data behind the value or, for a score of generated images alone, behind its floor."""
        return self.metric.real or (Real("sample"),)

    @property
    def recipe(self) -> dict[str, Any]:
        """All that decides the value besides data, weights and versions; plain data."""
        real = [part.recipe(self.count) for part in self.parts]
        return {
            "kind": self.metric.kind,
            **self.metric.settings,
            "extractor": EXTRACTORS[self.metric.extractor].recipe,
            "generated": self.count,
            "quantised": "uint8",
            "real": real[0] if len(real) == 1 else real,
        }

    @property
    def fingerprint(self) -> str:
        """The first 16 hex digits of the sha256 of the recipe."""
        return hashlib.sha256(json.dumps(self.recipe, sort_keys=True).encode()).hexdigest()[:16]


def _unlocated(keys: tuple, message: str) -> ConfigError:
    return ConfigError(f"{keys[0]}{''.join(f'[{key}]' for key in keys[1:])}: {message}")


def resolve(
    metrics: str | Sequence[str], dataset: "Dataset", error_at: Callable[[tuple, str], ConfigError] | None = None
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
    error_at = error_at or _unlocated
    if metrics == "auto":
        return [Protocol(name, *NAMES[name]) for name in _choose(dataset)]
    if isinstance(metrics, str):
        raise error_at(("metrics",), f"expected 'auto' or a list of names, received '{metrics}'.")
    protocols = []
    for position, name in enumerate(dict.fromkeys(metrics)):
        if problem := _problem(name, dataset):
            raise error_at(("metrics", position), problem)
        protocols.append(Protocol(name, *NAMES[name]))
    return protocols


def _choose(dataset: "Dataset") -> list[str]:
    if len(dataset.shape) != 3 or dataset.count < 1000:
        return []
    count = "5k" if dataset.count >= 5000 else "1k"
    if count == "5k" and dataset.shape[-1] in EXTRACTORS["inception"].channels and find_source() is not None:
        return ["fid5k"]
    if dataset.train.labels is None:
        return [f"fd{count}_random"]
    return [f"{kind}{count}_classifier" for kind in ("fd", "is", "pr")]


def _problem(name: str, dataset: "Dataset") -> str | None:
    """Why a data set cannot have a metric, in one line."""
    if name not in NAMES:
        return f"unknown metric '{name}'.{did_you_mean(name, NAMES)}"
    if len(dataset.shape) != 3:
        return f"{name} needs images, received data of shape {dataset.shape}."
    protocol = Protocol(name, *NAMES[name])
    source = EXTRACTORS[protocol.metric.extractor]
    for part in protocol.parts:
        split = getattr(dataset, part.split)
        there = split.count if split else 0
        if protocol.count > there:
            subject = f"the {'training' if part.split == 'train' else 'test'} set of {dataset.name}"
            return f"{name} needs {protocol.count:,} real images, {subject} has {there:,}."
    if (protocol.metric.labels or source.needs_labels) and dataset.train.labels is None:
        return f"{name} needs labels, {dataset.name} has none."
    if source.channels and dataset.shape[-1] not in source.channels:
        return f"{name} needs grey or RGB images, received data of shape {dataset.shape}."
    return None

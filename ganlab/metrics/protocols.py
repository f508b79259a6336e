"""Chooses the metrics of a run: those that its config names, or the usual ones for its data."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ganlab.data.options import ErrorAt, plain_error_at
from ganlab.errors import ConfigError, did_you_mean, raise_first
from ganlab.metrics.extractors import EXTRACTORS
from ganlab.metrics.inception_weights import find_source
from ganlab.metrics.names import AUTO_FROM, NAMES, Metric, measure_frechet_by_class, measure_inception
from ganlab.metrics.statistics import rarest_class

if TYPE_CHECKING:
    from ganlab.data.dataset import Dataset

LEAST_OF_A_CLASS = 2  # images behind a covariance


def resolve(metrics: str | Sequence[str], dataset: "Dataset", error_at: ErrorAt = plain_error_at) -> list[Metric]:
    """The metrics of a config.

    Args:
        metrics: names, or "auto": fid5k if Inception's weights are on this machine and there are 5,000 images, else
            Frechet distance, Inception Score and precision/recall by classifier for images with labels, else the
            Frechet distance by random network, at 5k or 1k as the data set has images; none for data that are no images
            and for fewer than AUTO_FROM.
        dataset: the real data.
        error_at: makes the located error of a message about a key of the config.

    Raises:
        ConfigError: for an unknown name, and for a data set with too few images or without labels.
        MissingDataError: if GANLAB_INCEPTION names a file that is not there.
    """
    if metrics == "auto":
        return [NAMES[name] for name in _choose(dataset)]
    if isinstance(metrics, str):
        raise error_at(("metrics",), f"expected 'auto' or a list of names, received '{metrics}'.")
    problems = [(position, _problem(name, dataset)) for position, name in enumerate(metrics)]
    raise_first(error_at(("metrics", position), problem) for position, problem in problems if problem)
    return [NAMES[name] for name in dict.fromkeys(metrics)]


def _choose(dataset: "Dataset") -> list[str]:
    if len(dataset.shape) != 3 or dataset.count < AUTO_FROM:
        return []
    count = "5k" if dataset.count >= 5000 else "1k"
    if count == "5k" and dataset.shape[-1] in EXTRACTORS["inception"].channels and find_source() is not None:
        return ["fid5k"]
    if dataset.train.labels is None:
        return [f"fd{count}_random"]
    return [f"{kind}{count}_classifier" for kind in ("fd", "is", "pr")]


def _problem(name: str, dataset: "Dataset") -> str | None:
    """One line about a name that is unknown, or a metric that cannot be computed for these data; else None."""
    if name not in NAMES:
        return f"unknown metric '{name}'.{did_you_mean(name, NAMES)}"
    if len(dataset.shape) != 3:
        return f"{name} needs images, received data of shape {dataset.shape}."
    metric = NAMES[name]
    if metric.subject == "discriminator":
        there = dataset.test is not None and dataset.test.labels is not None
        return None if there else f"{name} needs a test split with labels, {dataset.name} has none."
    source = EXTRACTORS[metric.extractor]
    for part in metric.parts:
        split = getattr(dataset, part.split)
        there = split.count if split else 0
        if metric.count > there:
            subject = f"the {'training' if part.split == 'train' else 'test'} set of {dataset.name}"
            return f"{name} needs {metric.count:,} real images, {subject} has {there:,}."
    if source.needs_labels and dataset.train.labels is None:
        return f"{name} needs labels, {dataset.name} has none."
    if source.channels and dataset.shape[-1] not in source.channels:
        return f"{name} needs grey or RGB images, received data of shape {dataset.shape}."
    return _rare_class(metric, dataset) if metric.measure is measure_frechet_by_class else None


def _rare_class(metric: Metric, dataset: "Dataset") -> str | None:
    """One line about a class with too few images for a covariance; else None."""
    (part,) = metric.parts
    label, images, size = rarest_class(dataset, part, metric.count)
    if images >= LEAST_OF_A_CLASS:
        return None
    name = dataset.class_names[label] if dataset.class_names else label
    total = int((getattr(dataset, part.split).labels == label).sum())
    return (
        f"{metric.name} needs at least {LEAST_OF_A_CLASS} images of each class in each of its real samples; "
        f"class {name} has {images} in a sample of {size:,}, and {total:,} in all."
    )


def with_splits(metrics: Sequence[Metric], splits: Sequence[int]) -> list[Metric]:
    """The same metrics; Inception Scores also give mean and deviation over these numbers of splits, as `details.by_splits`.

    Raises: ConfigError if there is no Inception Score, or more splits than images.
    """
    scores = [metric for metric in metrics if metric.measure is measure_inception]
    if not scores:
        names = ", ".join(metric.name for metric in metrics) or "none"
        raise ConfigError(
            f"--splits: expected an Inception Score among the metrics, such as is5k_classifier; received {names}"
        )
    least = min(scores, key=lambda metric: metric.count)
    if max(splits) > least.count:
        raise ConfigError(
            f"--splits: expected at most {least.count:,} (the images of {least.name}), received {max(splits):,}"
        )
    also = partial(measure_inception, also=tuple(splits))
    return [replace(metric, measure=also) if metric in scores else metric for metric in metrics]

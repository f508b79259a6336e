"""The evaluation of a generator: images once, features once an extractor, then each metric's measure."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

import ganlab
from ganlab.config.schema import value_range as ends_of
from ganlab.data.dataset import fingerprint_of
from ganlab.errors import GanlabError
from ganlab.metrics.discriminator import class_logits, is_classifier
from ganlab.metrics.extraction import Extractor, Sample
from ganlab.metrics.extractors import EXTRACTORS
from ganlab.metrics.names import Metric
from ganlab.metrics.statistics import RealStatistics, cached, fingerprints, load_statistics
from ganlab.pictures.images import to_uint8
from ganlab.runs.logs import append_metrics

if TYPE_CHECKING:
    from ganlab.config.schema import Config
    from ganlab.data.dataset import Dataset
    from ganlab.models.network import Network
    from ganlab.runs.folder import RunFolder
    from ganlab.training.sampling import Sampler

# Kinds. Below the floor, generated images are nearer than unseen real images.
DISTANCES = ("fd", "fd_whole", "kd", "cfd")
# A number of images to so many images, float, shape (count, H, W, C), in the declared range.
Generate = Callable[[int], np.ndarray]


@dataclass(frozen=True)
class MetricValue:
    """A value with its whole protocol.

    Attributes:
        name: the metric's name, with a suffix if the metric gives several values.
        value: the value for the generated images.
        floor: the same value for real images in their place; None for a metric of the discriminator.
        floor_n: number of real images behind the floor; on each side, if two samples are compared.
        details: further results: the standard deviation over splits; `clipped`, the share of generated pixels outside the
            declared range; `below_floor`, if a distance is smaller than its floor.
        fingerprint: sha256 of the recipe, 16 hex digits.
        weight_hash: sha256 of the extractor's weights, or None.
        real_hash: sha256 of the features or moments of the real images, or of these images; machines differ in it.
        real_data: sha256 of the real images, with their labels if the metric reads them: see `Dataset.origin`.
        recipe: the protocol as plain data.
        versions: of the programs that computed the value.
    """

    name: str
    value: float
    floor: float | None
    floor_n: int | None
    details: dict[str, Any]
    fingerprint: str
    weight_hash: str | None
    real_hash: str
    real_data: str
    recipe: dict[str, Any]
    versions: dict[str, str] = field(default_factory=dict)


def compute_real_statistics(metrics: Sequence[Metric], dataset: "Dataset") -> None:
    """Computes and caches extractors, real statistics and floors, so that missing weights stop a run at its start.

    Raises:
        MissingDataError: if weights are missing or damaged.
    """
    for metric in (metric for metric in metrics if metric.subject == "generator"):
        extractor = EXTRACTORS[metric.extractor].load(dataset)
        _load_floors(metric, dataset, extractor, _load_real(metric, dataset, extractor))


def evaluate_all(
    metrics: Sequence[Metric],
    generate: Generate,
    dataset: "Dataset",
    value_range: str,
    labels: Callable[[int], np.ndarray] | None = None,
    classify: Callable[[np.ndarray], np.ndarray] | None = None,
) -> list[MetricValue]:
    """Evaluates a generator by all metrics; the smaller ones use the first of the same images.

    Pixels outside the declared range are clipped, as in pictures.

    Args:
        metrics: as `protocols.resolve` gives them.
        generate: as `Generate` says.
        dataset: the real data.
        value_range: "tanh" for [-1, 1] or "sigmoid" for [0, 1].
        labels: a number of images to the labels of these images, int, shape (count,); None for a generator without labels.
        classify: uint8 images to the discriminator's class logits, shape (N, classes); None for one that does not classify.

    Raises:
        GanlabError: for a metric of labels without `labels`, of the discriminator without `classify`, and if
            images have another shape, are not finite, or are blank.
    """
    if not metrics:
        return []
    _require(metrics, labels is not None, classify is not None)
    largest = max(metric.count for metric in metrics)
    images, clipped = _generate(generate, largest, dataset, value_range) if largest else (None, None)
    extracted: dict[str, Sample] = {}
    values = []
    for metric in metrics:
        if metric.subject == "discriminator":
            values.append(_of_discriminator(metric, dataset, classify))
            continue
        extractor = EXTRACTORS[metric.extractor].load(dataset)
        if metric.extractor not in extracted:
            largest = max(other.count for other in metrics if other.extractor == metric.extractor)
            of_images = None if labels is None else labels(len(images))[:largest]
            extracted[metric.extractor] = replace(extractor.extract(images[:largest]), labels=of_images)
        values += _of_generator(metric, dataset, extractor, extracted[metric.extractor][: metric.count], clipped)
    return values


def _of_generator(
    metric: Metric, dataset: "Dataset", extractor: Extractor, sample: Sample, clipped: float
) -> list[MetricValue]:
    """The values of one metric of generated images; `clipped` is the share of their pixels outside the range."""
    real = _load_real(metric, dataset, extractor)
    floors, floor_n = _load_floors(metric, dataset, extractor, real)
    results, details = metric.measure(metric.settings, sample, *([part.real for part in real] if metric.real else []))
    if clipped:
        details["clipped"] = clipped
    return [
        MetricValue(
            name=metric.name + suffix,
            value=value,
            floor=floors[suffix],
            floor_n=floor_n,
            details=details | ({"below_floor": True} if metric.kind in DISTANCES and value < floors[suffix] else {}),
            fingerprint=metric.fingerprint,
            weight_hash=extractor.weight_hash,
            real_hash="+".join(part.hash for part in real),
            real_data="+".join(fingerprints(dataset, metric.parts, metric.needs_labels).values()),
            recipe=metric.recipe,
            versions=_versions(),
        )
        for suffix, value in results.items()
    ]


def evaluate_networks(
    folder: "RunFolder",
    step: int,
    metrics: Sequence[Metric],
    dataset: "Dataset",
    sampler: "Sampler",
    discriminator: "Network | None" = None,
) -> list[MetricValue]:
    """Evaluates the networks of a run at one step, adds the values to its metrics.jsonl and returns them.

    Args:
        folder: the run's `RunFolder`.
        step: of the weights.
        metrics, dataset: see `evaluate_all`.
        sampler: draws from the generator.
        discriminator: the network, which is measured if it classifies; None for a run without one.
    """
    start, config = time.perf_counter(), sampler.config
    labels = (lambda count: sampler.labels(count, "metrics")) if sampler.classes else None
    is_one = discriminator is not None and is_classifier(config, discriminator.inputs)
    classify = partial(class_logits, discriminator, config, step) if is_one else None
    generate = lambda count: sampler.draw(count, "metrics")  # noqa: E731
    values = evaluate_all(metrics, generate, dataset, config.data.range, labels, classify)
    append_metrics(folder.metrics, step, values, time.perf_counter() - start)
    return values


def require_networks(metrics: Sequence[Metric], config: "Config", networks: "Mapping[str, Network]") -> None:
    """Raises a located ConfigError for a metric that needs another network than the run's."""
    takes_labels = "labels" in networks["generator"].inputs
    classifies = "discriminator" in networks and is_classifier(config, networks["discriminator"].inputs)
    _require(metrics, takes_labels, classifies, config.error_at)


def _require(metrics: Sequence[Metric], takes_labels: bool, classifies: bool, error_at: Callable | None = None) -> None:
    """Raises a GanlabError, located by `error_at`, for a metric of labels or of a classifier, if there is none."""
    for metric in metrics:
        needed = "a generator that takes labels" if metric.needs_labels and not takes_labels else None
        if metric.subject == "discriminator" and not classifies:
            needed = "a discriminator that takes no labels, with labels: semi_supervised or auxiliary"
        if needed:
            message = f"{metric.name} needs {needed}"
            raise error_at(("metrics",), message) if error_at else GanlabError(f"metrics: {message}")


def _of_discriminator(metric: Metric, dataset: "Dataset", classify: Callable[[np.ndarray], np.ndarray]) -> MetricValue:
    """The value for all images of the test split. No floor: there is no other discriminator to compare with."""
    test = dataset.test
    results, details = metric.measure(metric.settings, Sample(test.images, classify(test.images), test.labels))
    return MetricValue(
        name=metric.name,
        value=results[""],
        floor=None,
        floor_n=None,
        details=details,
        fingerprint=metric.fingerprint,
        weight_hash=None,
        real_hash=fingerprint_of(test.images),
        real_data=dataset.origin("test", with_labels=True),
        recipe=metric.recipe,
        versions=_versions(),
    )


def _load_real(metric: Metric, dataset: "Dataset", extractor: Extractor) -> list[RealStatistics]:
    return [load_statistics(dataset, extractor, part, metric.count) for part in metric.parts]


def _load_floors(
    metric: Metric, dataset: "Dataset", extractor: Extractor, real: list[RealStatistics]
) -> tuple[dict[str, float], int]:
    """The metric's values for real images in the place of generated ones, by suffix, and the number of these images."""
    *others, last = real
    count = last.floor_count if metric.real else metric.count

    def compute() -> dict[str, np.ndarray]:
        if metric.real:
            half, held = last.halves
            results, _ = metric.measure(metric.settings, held, *(other.real for other in others), half)
        else:
            results, _ = metric.measure(metric.settings, last.real)
        return {"n": np.array(count), **{f"floor{suffix}": np.array(value) for suffix, value in results.items()}}

    depends_on = {"data": fingerprints(dataset, metric.parts, metric.needs_labels), "protocol": metric.recipe}
    floors = cached(f"{dataset.name}-{metric.name}-floor", extractor, depends_on, compute)
    return {name.removeprefix("floor"): float(value) for name, value in floors.items() if name != "n"}, count


def _generate(generate: Generate, count: int, dataset: "Dataset", value_range: str) -> tuple[np.ndarray, float]:
    """Generated images as uint8, and the share of values that were clipped."""
    images = np.asarray(generate(count))
    expected = (count, *dataset.shape)
    if images.shape != expected or not np.issubdtype(images.dtype, np.floating):
        raise GanlabError(
            f"metrics: expected generated images, float, of shape {expected}, "
            f"received {images.dtype} of shape {images.shape}"
        )
    if not np.isfinite(images).all():
        raise GanlabError("metrics: expected finite values in generated images, received NaN or infinity")
    low, high = ends_of(value_range)
    return to_uint8(images, value_range), float(np.mean((images < low) | (images > high)))


def _versions() -> dict[str, str]:
    import keras

    return {
        "ganlab": ganlab.__version__,
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "numpy": np.__version__,
    }

"""The evaluation of a generator: images once, features once an extractor, then each protocol's measure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

import ganlab
from ganlab.errors import GanlabError
from ganlab.metrics.extraction import Extractor, Sample
from ganlab.metrics.extractors import EXTRACTORS
from ganlab.metrics.protocols import Protocol
from ganlab.metrics.statistics import cached, fingerprints, load_statistics
from ganlab.pictures.images import to_uint8

if TYPE_CHECKING:
    from ganlab.data.dataset import Dataset

# A number of images to so many images, float, shape (count, H, W, C), in the declared range; or to them and their labels.
Generate = Callable[[int], np.ndarray | tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class MetricValue:
    """A value with everything that tells what it means.

    Attributes:
        name: the protocol's name, with a suffix if the protocol gives several values.
        value: the value for the generated images.
        floor: the same value for real images in their place.
        floor_n: number of real images behind the floor; on each side, if two samples are compared.
        details: further results, such as the standard deviation over splits.
        fingerprint: sha256 of the recipe, 16 hex digits.
        weight_hash: sha256 of the extractor's weights.
        recipe: the protocol as plain data.
        versions: of the programs that computed the value.
    """

    name: str
    value: float
    floor: float
    floor_n: int
    details: dict[str, Any]
    fingerprint: str
    weight_hash: str
    recipe: dict[str, Any]
    versions: dict[str, str] = field(default_factory=dict)


def compute_real_statistics(protocols: Sequence[Protocol], dataset: "Dataset") -> None:
    """Computes and caches extractors, real statistics and floors, so that missing weights stop a run at its start.

    Raises:
        MissingDataError: if weights are missing or damaged.
    """
    for protocol in protocols:
        extractor = EXTRACTORS[protocol.metric.extractor].load(dataset)
        _load_real(protocol, dataset, extractor)
        _load_floors(protocol, dataset, extractor)


def evaluate_all(
    protocols: Sequence[Protocol], generate: Generate, dataset: "Dataset", value_range: str
) -> list[MetricValue]:
    """Evaluates a generator by all protocols; the smaller ones use the first of the same images.

    Args:
        protocols: as `protocols.resolve` gives them.
        generate: as `Generate` says.
        dataset: the real data.
        value_range: "tanh" for [-1, 1] or "sigmoid" for [0, 1].

    Raises:
        GanlabError: if images have another shape or range, are not finite or show nothing, or have no labels where a
            metric needs them.
    """
    if not protocols:
        return []
    images, labels = _generate(generate, protocols, dataset, value_range)
    extracted: dict[str, Sample] = {}
    values = []
    for protocol in protocols:
        metric, count = protocol.metric, protocol.count
        extractor = EXTRACTORS[metric.extractor].load(dataset)
        if metric.extractor not in extracted:
            largest = max(other.count for other in protocols if other.metric.extractor == metric.extractor)
            extracted[metric.extractor] = replace(extractor.extract(images[:largest]), labels=labels)
        fake = extracted[metric.extractor][:count]
        results, details = metric.measure(metric.settings, fake, *_load_real(protocol, dataset, extractor))
        floors, floor_n = _load_floors(protocol, dataset, extractor)
        values += [
            MetricValue(
                name=protocol.name + suffix,
                value=value,
                floor=floors[suffix],
                floor_n=floor_n,
                details=details,
                fingerprint=protocol.fingerprint,
                weight_hash=extractor.weight_hash,
                recipe=protocol.recipe,
                versions=_versions(),
            )
            for suffix, value in results.items()
        ]
    return values


def _load_real(protocol: Protocol, dataset: "Dataset", extractor: Extractor) -> list:
    return [load_statistics(dataset, extractor, part, protocol.count).real for part in protocol.metric.real]


def _load_floors(protocol: Protocol, dataset: "Dataset", extractor: Extractor) -> tuple[dict[str, float], int]:
    """The metric's values for real images in the place of generated ones, by suffix, and the number of these images."""
    metric = protocol.metric

    def compute() -> dict[str, np.ndarray]:
        *others, last = (load_statistics(dataset, extractor, part, protocol.count) for part in protocol.parts)
        if metric.real:
            half, held = last.halves
            results, _ = metric.measure(metric.settings, held, *(other.real for other in others), half)
        else:
            results, _ = metric.measure(metric.settings, last.real)
        count = last.floor_count if metric.real else protocol.count
        return {"n": np.array(count), **{f"floor{suffix}": np.array(value) for suffix, value in results.items()}}

    depends_on = {"data": fingerprints(dataset, protocol.parts, metric.labels), "protocol": protocol.recipe}
    floors = cached(f"{dataset.name}-{protocol.name}-floor", extractor, depends_on, compute)
    count = int(floors.pop("n"))
    return {name.removeprefix("floor"): float(value) for name, value in floors.items()}, count


def _generate(
    generate: Generate, protocols: Sequence[Protocol], dataset: "Dataset", value_range: str
) -> tuple[np.ndarray, np.ndarray | None]:
    count = max(protocol.count for protocol in protocols)
    generated = generate(count)
    images, labels = generated if isinstance(generated, tuple) else (generated, None)
    images = np.asarray(images)
    expected = (count, *dataset.shape)
    if images.shape != expected or not np.issubdtype(images.dtype, np.floating):
        raise GanlabError(
            f"metrics: expected generated images, float, of shape {expected}, "
            f"received {images.dtype} of shape {images.shape}"
        )
    if labels is None and (unlabelled := [protocol.name for protocol in protocols if protocol.metric.labels]):
        raise GanlabError(f"{unlabelled[0]}: expected generated images with labels, received images alone")
    return to_uint8(images, value_range), labels


def _versions() -> dict[str, str]:
    import keras

    return {
        "ganlab": ganlab.__version__,
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "numpy": np.__version__,
    }

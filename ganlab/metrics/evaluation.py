"""The evaluation of a generator: images once, features once an extractor, then each protocol's measure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

import ganlab
from ganlab.errors import GanlabError
from ganlab.metrics.extraction import Extractor, Sample
from ganlab.metrics.extractors import EXTRACTORS
from ganlab.metrics.measures import MEASURES
from ganlab.metrics.statistics import RealStatistics, load_real_statistics
from ganlab.metrics.whole_statistics import WholeStatistics, load_whole_statistics
from ganlab.pictures.images import to_uint8

if TYPE_CHECKING:
    from ganlab.data.dataset import Dataset
    from ganlab.metrics.protocols import Protocol

Statistics = RealStatistics | WholeStatistics


@dataclass(frozen=True)
class MetricValue:
    """A value with all that is needed to say what it means.

    Attributes:
        name: the protocol's name, with a suffix if the protocol gives several values.
        value: the value for the generated images.
        floor: the same value for real images in their place.
        floor_n: number of real images the floor was computed from (on each side, if two samples are
        compared). details: what else came out, such as the standard deviation over splits. fingerprint:
        sha256 of the recipe, 16 hex digits. weight_hash: sha256 of the extractor's weights. recipe: the
        protocol as plain data. versions: of the programs that computed it.
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


def prepare(protocols: Sequence["Protocol"], dataset: "Dataset") -> None:
    """Makes and caches all that the protocols need of the real data, so that what is missing is missed now.

    Raises:
        MissingDataError: if weights are missing or damaged.
    """
    for protocol in protocols:
        _load_statistics(protocol, dataset, _load_extractor(protocol, dataset))


def evaluate_all(
    protocols: Sequence["Protocol"],
    generate: Callable[[int], np.ndarray],
    dataset: "Dataset",
    value_range: str,
) -> list[MetricValue]:
    """Evaluates a generator by all protocols; the smaller ones use the first of the same images.

    Args:
        protocols: as `protocols.resolve` gives them.
        generate: count to that many images, float, shape (count, H, W, C), in the declared range.
        dataset: the real data.
        value_range: "tanh" for [-1, 1] or "sigmoid" for [0, 1].

    Raises:
        GanlabError: if images have another shape or range, are not finite or show nothing.
    """
    if not protocols:
        return []
    images = _generate(generate, max(protocol.count for protocol in protocols), dataset, value_range)
    extracted: dict[str, Sample] = {}
    values = []
    for protocol in protocols:
        extractor = _load_extractor(protocol, dataset)
        if protocol.extractor not in extracted:
            largest = max(other.count for other in protocols if other.extractor == protocol.extractor)
            extracted[protocol.extractor] = extractor.extract(images[:largest])
        statistics = _load_statistics(protocol, dataset, extractor)
        fake = extracted[protocol.extractor][: protocol.count]
        values += _measure(protocol, extractor, statistics, fake)
    return values


def _measure(protocol: "Protocol", extractor: Extractor, statistics: Statistics, fake: Sample) -> list[MetricValue]:
    measure = MEASURES[protocol.kind]
    results, details = measure.compute(statistics.real, fake)
    return [
        MetricValue(
            name=protocol.name + suffix,
            value=value,
            floor=statistics.floors[protocol.kind + suffix],
            floor_n=statistics.floor_count if measure.real else protocol.count,
            details=details,
            fingerprint=protocol.fingerprint,
            weight_hash=extractor.weight_hash,
            recipe=protocol.recipe,
            versions=_versions(),
        )
        for suffix, value in results.items()
    ]


def _load_extractor(protocol: "Protocol", dataset: "Dataset") -> Extractor:
    return EXTRACTORS[protocol.extractor].load(dataset)


def _load_statistics(protocol: "Protocol", dataset: "Dataset", extractor: Extractor) -> Statistics:
    load = load_whole_statistics if MEASURES[protocol.kind].real == "whole" else load_real_statistics
    return load(dataset, extractor, protocol.count)


def _generate(generate: Callable[[int], np.ndarray], count: int, dataset: "Dataset", value_range: str) -> np.ndarray:
    images = np.asarray(generate(count))
    expected = (count, *dataset.shape)
    if images.shape != expected or not np.issubdtype(images.dtype, np.floating):
        raise GanlabError(
            f"metrics: expected generated images, float, of shape {expected}, "
            f"received {images.dtype} of shape {images.shape}"
        )
    return to_uint8(images, value_range)


def _versions() -> dict[str, str]:
    import keras

    return {
        "ganlab": ganlab.__version__,
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "numpy": np.__version__,
    }

"""What each kind of metric makes of two samples: the one place that knows the kinds."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ganlab.metrics.distances import frechet_distance, frechet_distance_from_features, kernel_distance
from ganlab.metrics.extraction import Sample
from ganlab.metrics.moments import Moments, moments_of
from ganlab.metrics.scores import density_coverage, inception_score, precision_recall


@dataclass(frozen=True)
class Measure:
    """One kind of metric.

    Attributes:
        compute: (real, fake) to a value for each suffix of the metric's name, and further details; real is a `Sample`,
            or the `Moments` of the whole training set.
        better: "lower" or "higher".
        settings: the arguments that belong to the recipe.
        real: what of the real data a value depends on: "sample", "whole" or nothing.
    """

    compute: Callable[[Any, Sample], tuple[dict[str, float], dict[str, Any]]]
    better: str
    settings: dict[str, Any] = field(default_factory=dict)
    real: str | None = "sample"


def _measure_frechet(real: Sample, fake: Sample) -> tuple[dict[str, float], dict[str, Any]]:
    return {"": frechet_distance_from_features(real.features, fake.features)}, {}


def _measure_whole(real: Moments, fake: Sample) -> tuple[dict[str, float], dict[str, Any]]:
    moments = moments_of(fake.features)
    distance = frechet_distance(real.mean, real.covariance, moments.mean, moments.covariance)
    return {"": distance}, {"real_count": real.count}


def _measure_kernel(real: Sample, fake: Sample) -> tuple[dict[str, float], dict[str, Any]]:
    return {"": kernel_distance(real.features, fake.features)}, {}


def _measure_inception(real: Sample, fake: Sample) -> tuple[dict[str, float], dict[str, Any]]:
    splits = MEASURES["is"].settings["splits"]
    mean, deviation = inception_score(fake.probabilities, splits)
    return {"": mean}, {"sd": deviation, "splits": splits}


def _measure_neighbours(real: Sample, fake: Sample) -> tuple[dict[str, float], dict[str, Any]]:
    settings = MEASURES["pr"].settings
    precision, recall = precision_recall(real.features, fake.features, settings["precision_recall_k"])
    density, coverage = density_coverage(real.features, fake.features, settings["density_coverage_k"])
    return {".precision": precision, ".recall": recall, ".density": density, ".coverage": coverage}, {}


MEASURES = {
    "fd": Measure(_measure_frechet, "lower", {"covariance_ddof": 1}),
    "fd_whole": Measure(_measure_whole, "lower", {"covariance_ddof": 1}, real="whole"),
    "kd": Measure(_measure_kernel, "lower", {"kernel": "(x.y / d + 1)^3", "estimator": "unbiased, whole sample"}),
    "is": Measure(_measure_inception, "higher", {"splits": 10, "ddof": 0}, real=None),
    "pr": Measure(_measure_neighbours, "higher", {"precision_recall_k": 3, "density_coverage_k": 5}),
}

"""What each kind of metric makes of two samples: the one place that knows fd, is and pr."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ganlab.metrics.distances import frechet_distance_from_features
from ganlab.metrics.extraction import Sample
from ganlab.metrics.scores import density_coverage, inception_score, precision_recall


@dataclass(frozen=True)
class Measure:
    """One kind of metric.

    Attributes:
        compute: (real, fake) to a value for each suffix of the metric's name, and further details.
        better: "lower" or "higher".
        settings: the arguments that belong to the recipe.
        needs_real: whether a value depends on the real sample.
    """

    compute: Callable[[Sample, Sample], tuple[dict[str, float], dict[str, Any]]]
    better: str
    settings: dict[str, Any] = field(default_factory=dict)
    needs_real: bool = True


def _measure_frechet(real: Sample, fake: Sample) -> tuple[dict[str, float], dict[str, Any]]:
    return {"": frechet_distance_from_features(real.features, fake.features)}, {}


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
    "is": Measure(_measure_inception, "higher", {"splits": 10, "ddof": 0}, needs_real=False),
    "pr": Measure(_measure_neighbours, "higher", {"precision_recall_k": 3, "density_coverage_k": 5}),
}

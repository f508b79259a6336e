"""All metrics: one row says everything about one. Importing this loads neither NumPy nor a framework.

A new metric is a row of `METRICS`, and a function here if no other row has its measure.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganlab.metrics.extraction import Sample
    from ganlab.metrics.moments import Moments

# The metric's value for each suffix of its name ("" for a single value), and further details.
Result = tuple[dict[str, float], dict[str, Any]]
SELECTION_SEED = 0  # of the permutation whose first images are the real sample


@dataclass(frozen=True)
class Real:
    """A part of the real data that a metric compares with.

    Attributes:
        form: "sample" for the features of as many images as are generated, "all" for the features of all images,
            "moments" for the mean and covariance of all images.
        split: "train" or "test".
    """

    form: str
    split: str = "train"

    def recipe(self, count: int) -> dict[str, Any]:
        """What decides which images these are, as plain data."""
        chosen = {"count": count, "selection_seed": SELECTION_SEED} if self.form == "sample" else {"count": "all"}
        return {"split": self.split, **chosen}


@dataclass(frozen=True)
class Metric:
    """One row: the protocols that share a name but for the count in it.

    Attributes:
        pattern: the name, with {} for the count.
        counts: numbers of generated images, and of real ones in a sample.
        extractor: a key of `extractors.EXTRACTORS`.
        kind: the measure's word in recipes and their fingerprints.
        measure: (settings, generated sample, each part of `real`) to a `Result`.
        better: "lower" or "higher".
        settings: all constants of the measure.
        real: the parts of the real data that the value depends on. In the floor, unused images of the last part stand
            for generated ones; a metric without parts is computed for a sample of the training set.
        labels: whether the measure reads the labels of real and generated images.
    """

    pattern: str
    counts: tuple[int, ...]
    extractor: str
    kind: str
    measure: Callable[..., Result]
    better: str
    settings: dict[str, Any]
    real: tuple[Real, ...]
    labels: bool = False

    def name(self, count: int) -> str:
        """The whole name: thousands are written as k."""
        return self.pattern.format(count if count % 1000 else f"{count // 1000}k")


def measure_frechet(settings: dict[str, Any], fake: "Sample", real: "Sample") -> Result:
    from ganlab.metrics.distances import frechet_distance_from_features

    return {"": frechet_distance_from_features(real.features, fake.features)}, {}


def measure_frechet_of_moments(settings: dict[str, Any], fake: "Sample | Moments", real: "Moments") -> Result:
    from ganlab.metrics.distances import frechet_distance
    from ganlab.metrics.moments import Moments, moments_of

    moments = fake if isinstance(fake, Moments) else moments_of(fake.features)
    distance = frechet_distance(real.mean, real.covariance, moments.mean, moments.covariance)
    return {"": distance}, {"real_count": real.count}


def measure_kernel(settings: dict[str, Any], fake: "Sample", real: "Sample") -> Result:
    from ganlab.metrics.distances import kernel_distance

    return {"": kernel_distance(real.features, fake.features)}, {}


def measure_inception(settings: dict[str, Any], fake: "Sample") -> Result:
    from ganlab.metrics.scores import inception_score

    mean, deviation = inception_score(fake.probabilities, settings["splits"])
    return {"": mean}, {"sd": deviation, "splits": settings["splits"]}


def measure_neighbours(settings: dict[str, Any], fake: "Sample", real: "Sample") -> Result:
    from ganlab.metrics.scores import density_coverage, precision_recall

    precision, recall = precision_recall(real.features, fake.features, settings["precision_recall_k"])
    density, coverage = density_coverage(real.features, fake.features, settings["density_coverage_k"])
    return {".precision": precision, ".recall": recall, ".density": density, ".coverage": coverage}, {}


_FROM_1K = (1_000, 5_000, 10_000, 50_000)
_FROM_5K = (5_000, 10_000, 50_000)
_SAMPLE = (Real("sample"),)
_MOMENTS = (Real("moments"),)
_FD = {"covariance_ddof": 1}
_KD = {"kernel": "(x.y / d + 1)^3", "estimator": "unbiased, whole sample"}
_IS = {"splits": 10, "ddof": 0}
_PR = {"precision_recall_k": 3, "density_coverage_k": 5}

METRICS = (
    Metric("fd{}_classifier", _FROM_1K, "classifier", "fd", measure_frechet, "lower", _FD, _SAMPLE),
    Metric("is{}_classifier", _FROM_1K, "classifier", "is", measure_inception, "higher", _IS, ()),
    Metric("pr{}_classifier", _FROM_1K, "classifier", "pr", measure_neighbours, "higher", _PR, _SAMPLE),
    Metric("fd{}_random", _FROM_1K, "random", "fd", measure_frechet, "lower", _FD, _SAMPLE),
    Metric("fid{}", _FROM_5K, "inception", "fd", measure_frechet, "lower", _FD, _SAMPLE),
    Metric("fid{}_full", _FROM_5K, "inception", "fd_whole", measure_frechet_of_moments, "lower", _FD, _MOMENTS),
    Metric("kid{}", (5_000,), "inception", "kd", measure_kernel, "lower", _KD, _SAMPLE),
    Metric("is{}", (5_000,), "inception", "is", measure_inception, "higher", _IS, ()),
    Metric("fid{}_keras", (5_000,), "keras", "fd", measure_frechet, "lower", _FD, _SAMPLE),
    Metric("fid{}_akel2022", (5_000,), "akel2022", "fd", measure_frechet, "lower", _FD, _SAMPLE),
)
NAMES = {metric.name(count): (metric, count) for metric in METRICS for count in metric.counts}
_LOWER = {metric.pattern.partition("{")[0] for metric in METRICS if metric.better == "lower"}


def better(name: str) -> str:
    """Whether "lower" or "higher" values are better, read from the letters before the count in a name.

    Names that no row knows, of other versions or of published tables, are answered as well: "higher" unless a row
    begins with the same letters.
    """
    return "lower" if re.match("[a-z]*", name)[0] in _LOWER else "higher"

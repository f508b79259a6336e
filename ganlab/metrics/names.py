"""All metrics: a name fixes a protocol, so values of one name can be compared. Importing this loads neither NumPy nor a framework.

A new metric is a row of `METRICS`, and a function here if no other row has its measure.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganlab.metrics.distances import Moments
    from ganlab.metrics.extraction import Sample

# The metric's value for each suffix of its name ("" for a single value), and further details.
Result = tuple[dict[str, float], dict[str, Any]]
AUTO_FROM = 1000  # images; `metrics: auto` measures nothing on fewer
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
        """How the images are chosen, as plain data."""
        chosen = {"count": count, "selection_seed": SELECTION_SEED} if self.form == "sample" else {"count": "all"}
        return {"split": self.split, **chosen}


@dataclass(frozen=True)
class Metric:
    """A metric and its whole protocol.

    Attributes:
        name: for instance "fd5k_classifier".
        count: number of generated images, and of real images in a sample.
        extractor: a key of `extractors.EXTRACTORS`.
        kind: the measure's word in recipes and their fingerprints.
        measure: (settings, generated sample, each part of `real`) to a `Result`.
        better: "lower" or "higher".
        settings: all constants of the measure.
        real: the parts of the real data that the value depends on. In the floor, unused images of the last part stand
            for generated images; the floor of a metric without parts is the value of a sample of the training set.
    """

    name: str
    count: int
    extractor: str
    kind: str
    measure: Callable[..., Result]
    better: str
    settings: dict[str, Any]
    real: tuple[Real, ...]
    needs_labels: bool = False  # whether generated images must have labels
    subject: str = "generator"  # or "discriminator": its class logits for the labelled test images are measured
    suffixes: tuple[str, ...] = ("",)  # of the names of its values

    @property
    def value_names(self) -> list[str]:
        """The names of its values in metrics.jsonl and summary.json."""
        return [self.name + suffix for suffix in self.suffixes]

    @property
    def parts(self) -> tuple[Real, ...]:
        """The parts of the real data behind the value or, for a score of generated images alone, behind its floor."""
        return self.real or (Real("sample"),)

    @property
    def recipe(self) -> dict[str, Any]:
        """Everything that decides the value, except data, weights and versions, as plain data."""
        from ganlab.metrics.extractors import EXTRACTORS

        if self.subject == "discriminator":
            return {
                "kind": self.kind,
                "class": "largest class logit, in inference",
                "real": Real("all", "test").recipe(self.count),
            }
        real = [part.recipe(self.count) for part in self.parts]
        return {
            "kind": self.kind,
            **self.settings,
            "extractor": EXTRACTORS[self.extractor].recipe,
            "generated": self.count,
            "quantised": "uint8",
            "real": real[0] if len(real) == 1 else real,
        }

    @property
    def fingerprint(self) -> str:
        """The first 16 hex digits of the sha256 of the recipe."""
        return hashlib.sha256(json.dumps(self.recipe, sort_keys=True).encode()).hexdigest()[:16]


def measure_frechet(settings: dict[str, Any], fake: "Sample", real: "Sample") -> Result:
    from ganlab.metrics.distances import frechet_distance_from_features

    return {"": frechet_distance_from_features(real.features, fake.features)}, {}


def measure_frechet_of_moments(settings: dict[str, Any], fake: "Sample | Moments", real: "Moments") -> Result:
    from ganlab.metrics.distances import Moments, frechet_distance, moments_of

    moments = fake if isinstance(fake, Moments) else moments_of(fake.features)
    distance = frechet_distance(real.mean, real.covariance, moments.mean, moments.covariance)
    return {"": distance}, {"real_count": real.count}


def measure_kernel(settings: dict[str, Any], fake: "Sample", real: "Sample") -> Result:
    from ganlab.metrics.distances import kernel_distance

    return {"": kernel_distance(real.features, fake.features)}, {}


def measure_inception(settings: dict[str, Any], fake: "Sample", also: Sequence[int] = ()) -> Result:
    """The score with the protocol's splits; `also` are further numbers of splits, whose scores go into the details."""
    from ganlab.metrics.scores import inception_score

    mean, deviation = inception_score(fake.probabilities, settings["splits"])
    details = {"sd": deviation, "splits": settings["splits"]}
    if also:
        scores = {str(splits): inception_score(fake.probabilities, splits) for splits in also}
        details["by_splits"] = {splits: {"mean": mean, "sd": sd} for splits, (mean, sd) in scores.items()}
    return {"": mean}, details


def measure_label_accuracy(settings: dict[str, Any], fake: "Sample") -> Result:
    right = fake.probabilities.argmax(axis=1) == fake.labels
    classes = _by_class(fake.labels, lambda label: float(right[fake.labels == label].mean()))
    return {"": float(right.mean())}, {"classes": classes}


def measure_frechet_by_class(settings: dict[str, Any], fake: "Sample", real: "Sample") -> Result:
    from ganlab.metrics.distances import frechet_distance_from_features

    def distance(label: int) -> float:
        return frechet_distance_from_features(*(part.features[part.labels == label] for part in (real, fake)))

    values = _by_class(fake.labels, distance)
    return {"": sum(values.values()) / len(values)}, {"classes": values}


def _by_class(labels: Any, value: Callable[[int], float]) -> dict[str, float]:
    """Class -> its value, for each class among the labels."""
    return {str(label): value(label) for label in sorted(set(labels.tolist()))}


def measure_neighbours(settings: dict[str, Any], fake: "Sample", real: "Sample") -> Result:
    from ganlab.metrics.scores import density_coverage, precision_recall

    precision, recall = precision_recall(real.features, fake.features, settings["precision_recall_k"])
    density, coverage = density_coverage(real.features, fake.features, settings["density_coverage_k"])
    return {".precision": precision, ".recall": recall, ".density": density, ".coverage": coverage}, {}


def measure_copies(settings: dict[str, Any], fake: "Sample", train: "Sample", held_out: "Sample") -> Result:
    from ganlab.metrics.scores import share_of_copies

    share, threshold = share_of_copies(train.features, held_out.features, fake.features, settings["quantile"])
    return {"": share}, {"threshold": threshold}


def _rows(pattern: str, counts: tuple[int, ...], *protocol: Any, **more: Any) -> Iterator[Metric]:
    """A metric for each count; in its name, {} stands for the count and k for thousands."""
    for count in counts:
        yield Metric(pattern.format(count if count % 1000 else f"{count // 1000}k"), count, *protocol, **more)


_FROM_1K = (1_000, 5_000, 10_000, 50_000)
_FROM_5K = (5_000, 10_000, 50_000)
_SAMPLE = (Real("sample"),)
_MOMENTS = (Real("moments"),)
_HELD_OUT = (Real("all"), Real("sample", "test"))
_FD = {"covariance_ddof": 1}
_KD = {"kernel": "(x.y / d + 1)^3", "estimator": "unbiased, whole sample"}
_IS = {"splits": 10, "ddof": 0}
_PR = {"precision_recall_k": 3, "density_coverage_k": 5, "density_coverage_border": "outside"}
_COPIES = {"quantile": 0.01}

METRICS = (
    *_rows("fd{}_classifier", _FROM_1K, "classifier", "fd", measure_frechet, "lower", _FD, _SAMPLE),
    *_rows("is{}_classifier", (*_FROM_1K, 60_000), "classifier", "is", measure_inception, "higher", _IS, ()),
    *_rows(
        "pr{}_classifier",
        _FROM_1K,
        "classifier",
        "pr",
        measure_neighbours,
        "higher",
        _PR,
        _SAMPLE,
        suffixes=(".precision", ".recall", ".density", ".coverage"),
    ),
    *_rows("copies{}_classifier", (1_000, 5_000), "classifier", "copies", measure_copies, "lower", _COPIES, _HELD_OUT),
    *_rows(
        "acc{}_classifier", _FROM_1K, "classifier", "acc", measure_label_accuracy, "higher", {}, (), needs_labels=True
    ),
    *_rows(
        "cfd{}_classifier",
        _FROM_5K,
        "classifier",
        "cfd",
        measure_frechet_by_class,
        "lower",
        _FD,
        _SAMPLE,
        needs_labels=True,
    ),
    Metric(
        "accuracy_discriminator_test", 0, "", "acc", measure_label_accuracy, "higher", {}, (), subject="discriminator"
    ),
    *_rows("fd{}_random", (200, 500, *_FROM_1K), "random", "fd", measure_frechet, "lower", _FD, _SAMPLE),
    *_rows("kd{}_random", (200, 500), "random", "kd", measure_kernel, "lower", _KD, _SAMPLE),
    *_rows("fid{}", _FROM_5K, "inception", "fd", measure_frechet, "lower", _FD, _SAMPLE),
    *_rows("fid{}_full", _FROM_5K, "inception", "fd_whole", measure_frechet_of_moments, "lower", _FD, _MOMENTS),
    *_rows("kid{}", (5_000,), "inception", "kd", measure_kernel, "lower", _KD, _SAMPLE),
    *_rows("is{}", (5_000,), "inception", "is", measure_inception, "higher", _IS, ()),
    *_rows("fid{}_keras", (5_000,), "keras", "fd", measure_frechet, "lower", _FD, _SAMPLE),
    *_rows("fid{}_akel2022", (5_000,), "akel2022", "fd", measure_frechet, "lower", _FD, _SAMPLE),
)
NAMES = {metric.name: metric for metric in METRICS}
# The same against the test split: images that the generator has not seen.
NAMES |= {
    f"{metric.name}_test": replace(metric, name=f"{metric.name}_test", real=(replace(metric.real[0], split="test"),))
    for metric in METRICS
    if len(metric.real) == 1
}
_BETTER = {re.match("[a-z]*", metric.name)[0]: metric.better for metric in METRICS}


def better(name: str, otherwise: str = "higher") -> str:
    """Whether "lower" or "higher" values are better, by the letters before the count in a name: of other versions, too.

    `otherwise` is the answer for a name that begins with the letters of no row.
    """
    return _BETTER.get(re.match("[a-z]*", name)[0], otherwise)


def is_distance(name: str) -> bool:
    """Whether values are distances, which their floor may judge. The share of copies has its best value in noise."""
    return better(name) == "lower" and not name.startswith("copies")

"""The networks behind the metrics, by the word a metric's name carries. A new one is a line here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ganlab.metrics import classifier, inception_extractor, random_network
from ganlab.metrics.extraction import Extractor

if TYPE_CHECKING:
    from ganlab.data.dataset import Dataset


@dataclass(frozen=True)
class Source:
    """How an extractor is had.

    Attributes:
        recipe: what it is, as plain data; part of each protocol's fingerprint.
        load: gives it for a data set.
        needs_labels: whether it is made from the data set's labels.
        channels: of the images it can see; None for any.
    """

    recipe: dict[str, Any]
    load: Callable[["Dataset"], Extractor]
    needs_labels: bool = False
    channels: tuple[int, ...] | None = None


def _load_random(dataset: "Dataset") -> Extractor:
    return random_network.load_random_network(dataset.shape)


def _load_inception(dataset: "Dataset") -> Extractor:
    return inception_extractor.load_inception(dataset.shape)


def _load_keras(dataset: "Dataset") -> Extractor:
    return inception_extractor.load_keras_inception(dataset.shape)


EXTRACTORS = {
    "classifier": Source(classifier.RECIPE, classifier.load_classifier, needs_labels=True),
    "random": Source(random_network.RECIPE, _load_random),
    "inception": Source(inception_extractor.RECIPE, _load_inception, channels=(1, 3)),
    "keras": Source(inception_extractor.KERAS_RECIPE, _load_keras, channels=(1, 3)),
    "akel2022": Source(inception_extractor.AKEL_RECIPE, inception_extractor.load_akel_inception, channels=(1, 3)),
}

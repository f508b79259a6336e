"""The networks behind the metrics, by their names in the rows of `names.METRICS`. A new one is a line here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ganlab.metrics import inception_extractor as inception
from ganlab.metrics import random_network
from ganlab.metrics.classifier import RECIPE, load_classifier
from ganlab.metrics.extraction import Extractor

if TYPE_CHECKING:
    from ganlab.data.dataset import Dataset


@dataclass(frozen=True)
class Source:
    """How to get an extractor.

    Attributes:
        recipe: its description as plain data; part of each protocol's fingerprint.
        load: gives the extractor for a data set.
        needs_labels: whether the network is trained on the data set's labels.
        channels: numbers of channels that the network takes; None for any.
    """

    recipe: dict[str, Any]
    load: Callable[["Dataset"], Extractor]
    needs_labels: bool = False
    channels: tuple[int, ...] | None = None


EXTRACTORS = {
    "classifier": Source(RECIPE, load_classifier, needs_labels=True),
    "random": Source(random_network.RECIPE, lambda data: random_network.load_random_network(data.shape)),
    "inception": Source(inception.RECIPE, lambda data: inception.load_inception(data.shape), channels=(1, 3)),
    "keras": Source(inception.KERAS_RECIPE, lambda data: inception.load_keras_inception(data.shape), channels=(1, 3)),
    "akel2022": Source(
        inception.AKEL_RECIPE, lambda data: inception.load_akel_inception(data.shape, data.name), channels=(1, 3)
    ),
}

import dataclasses

import numpy as np
import pytest

from ganlab.data import Split
from ganlab.errors import ConfigError
from ganlab.metrics.extractors import EXTRACTORS
from ganlab.metrics.names import NAMES
from ganlab.metrics.protocols import resolve

ONE_OF_EACH = {
    name: next(metric for metric in NAMES.values() if metric.extractor == name and metric.count == 5000)
    for name in EXTRACTORS
}


@pytest.mark.parametrize("name", EXTRACTORS)
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 6])
def test_inception_takes_grey_and_rgb_images_and_the_other_networks_any(many_digits, name, channels):
    images, metric = np.repeat(many_digits.train.images, channels, axis=-1), ONE_OF_EACH[name]
    dataset = dataclasses.replace(many_digits, train=Split(images, many_digits.train.labels))
    if channels in (1, 3) or name in ("classifier", "random"):
        assert resolve([metric.name], dataset) == [metric]
    else:
        with pytest.raises(ConfigError, match=f"{metric.name} needs grey or RGB images, received data of shape"):
            resolve([metric.name], dataset)


@pytest.mark.parametrize("name", EXTRACTORS)
def test_only_the_classifier_needs_labels(many_digits, name):
    metric = ONE_OF_EACH[name]
    dataset = dataclasses.replace(many_digits, train=Split(many_digits.train.images), class_names=None)
    if name == "classifier":
        with pytest.raises(ConfigError, match=f"{metric.name} needs labels, digits has none"):
            resolve([metric.name], dataset)
    else:
        assert resolve([metric.name], dataset) == [metric]

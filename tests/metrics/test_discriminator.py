import dataclasses
import time

import numpy as np
import pytest

from ganlab.config.schema import Form
from ganlab.data import Split
from ganlab.errors import ConfigError, GanlabError
from ganlab.metrics.discriminator import class_logits, is_classifier
from ganlab.metrics.evaluation import evaluate_networks, require_networks
from ganlab.metrics.protocols import resolve
from ganlab.models.building import build_network
from ganlab.runs.folder import RunFolder
from ganlab.runs.logs import read_metrics
from ganlab.training.sampling import Sampler
from tests.training.tiny import IMAGES, tiny_config


@pytest.mark.parametrize(
    ("labels", "inputs", "expected"),
    [
        ("semi_supervised", ("input",), True),
        ("auxiliary", ("input", "step"), True),
        ("auxiliary", ("input", "labels"), False),
        ("conditional", ("input",), False),
        ("none", ("input",), False),
    ],
)
def test_a_discriminator_with_a_class_head_classifies_unless_it_is_told_the_labels(labels, inputs, expected):
    assert is_classifier(tiny_config(labels=labels), inputs) is expected


@pytest.mark.parametrize(("labels", "columns"), [("semi_supervised", slice(0, 3)), ("auxiliary", slice(1, 4))])
@pytest.mark.parametrize("value_range", ["tanh", "sigmoid"])
def test_class_logits_are_the_outputs_of_the_head_for_bytes_and_for_floats(labels, columns, value_range):
    layers = [{"Dense": {"units": 4}}]
    config = tiny_config(discriminator=layers, labels=labels, data={"name": "digits", "range": value_range})
    network = build_network(config, "discriminator", Form((8,), 3))
    kernel, bias = network.model.get_weights()
    floats = (IMAGES / 255).astype(np.float32) * (2 if value_range == "tanh" else 1) - (value_range == "tanh")
    expected = (floats @ kernel + bias)[:, columns]
    for images in (IMAGES, floats):
        np.testing.assert_allclose(class_logits(network, config, 0, images), expected, atol=1e-5)


LAYERS = {
    "generator": [{"Dense": {"units": 64}}, {"Reshape": {"target_shape": [8, 8, 1]}}],
    "discriminator": ["Flatten", {"Dense": {"units": 11}}],
}


class TestTheNetworksOfARun:
    """Of a run on the digits, a hundred of which are a test split."""

    @pytest.fixture(scope="class")
    def dataset(self, digits):
        return dataclasses.replace(digits, test=Split(digits.train.images[:100], digits.train.labels[:100]))

    @pytest.fixture(scope="class")
    def config(self):
        return tiny_config(labels="semi_supervised", **LAYERS)

    @pytest.fixture(scope="class")
    def networks(self, config, dataset):
        return {name: build_network(config, name, dataset.form) for name in config.NETWORKS}

    @pytest.fixture(scope="class")
    def metrics(self, dataset):
        return resolve(["accuracy_discriminator_test"], dataset)

    def test_the_accuracy_of_a_discriminator_is_written_with_step_and_seconds(
        self, config, networks, dataset, metrics, tmp_path
    ):
        folder, begin = RunFolder(tmp_path), time.perf_counter()
        sampler, network = Sampler(networks["generator"], config), networks["discriminator"]
        (value,) = evaluate_networks(folder, 7, metrics, dataset, sampler, network)
        answers = class_logits(network, config, 7, dataset.test.images).argmax(axis=1)
        assert value.value == (answers == dataset.test.labels).mean()
        (line,) = read_metrics(folder.metrics)
        assert (line["step"], line["value"]) == (7, value.value)
        assert 0 <= line["seconds"] <= time.perf_counter() - begin + 0.001  # written with three digits

    def test_without_a_discriminator_that_classifies_there_is_no_accuracy(
        self, config, networks, dataset, metrics, tmp_path
    ):
        other = tiny_config(labels="conditional", **LAYERS)
        for of_run, network in ((config, None), (other, networks["discriminator"])):
            with pytest.raises(GanlabError, match=r"^metrics: accuracy_discriminator_test needs a discriminator"):
                evaluate_networks(
                    RunFolder(tmp_path), 7, metrics, dataset, Sampler(networks["generator"], of_run), network
                )
        assert list(tmp_path.iterdir()) == []

    def test_a_run_is_refused_at_its_start_if_it_lacks_the_network_of_a_metric(self, config, networks, metrics):
        require_networks(metrics, config, networks)
        for run, of_run in ((tiny_config(**LAYERS), networks), (config, {"generator": networks["generator"]})):
            with pytest.raises(ConfigError, match="metrics: accuracy_discriminator_test needs a discriminator that"):
                require_networks(metrics, run, of_run)

    def test_so_is_one_whose_generator_takes_no_labels(self, config, dataset, networks):
        labelled = {"merge": "Concatenate", "branches": {"latents": [], "labels": ["Labels"]}}
        takes_labels = tiny_config(labels="conditional", generator=[labelled, *LAYERS["generator"]])
        generator = build_network(takes_labels, "generator", dataset.form)
        metrics = resolve(["acc1k_classifier"], dataset)
        require_networks(metrics, takes_labels, {"generator": generator})
        with pytest.raises(ConfigError, match="metrics: acc1k_classifier needs a generator that takes labels"):
            require_networks(metrics, config, networks)

"""The study of few labels: its configs fit their data, and the supervised classifier learns from labelled images alone."""

import dataclasses
import runpy
from pathlib import Path

import keras
import numpy as np
import pytest

from ganlab.config.schema import Form
from ganlab.data.dataset import Dataset, Split, fingerprint_of
from ganlab.data.registry import published_form
from ganlab.flows.labelled import labelled_rows
from ganlab.sweeps.configs import configs_of
from tests.training.tiny import tiny_config

STUDY = Path(__file__).parents[2] / "experiments" / "winkler2018_labels"


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_a_study_varies_labels_losses_and_seeds_and_its_networks_fit(name):
    from ganlab.models.building import build_network

    configs, problems = configs_of(STUDY / name, (), None)
    assert problems == []
    found = {(config.data.labelled, config.loss.name, config.seed) for config in configs}
    losses = ("non_saturating", "feature_matching")
    assert found == {(n, loss, seed) for n in (100, 1000, 4000) for loss in losses for seed in (0, 1, 2)}
    with keras.StatelessScope(initialize_variables=False):  # weights with shapes and without numbers
        for network in configs[0].networks:
            built = build_network(configs[0], network, published_form(configs[0].data))
            assert network == "generator" or (built.output_shape == (11,) and "features" in built.features)


def images_of(labels: np.ndarray, seed: int) -> np.ndarray:
    """Images (N, 4, 4, 1) with a bright pixel for the class, and noise."""
    images = np.random.default_rng(seed).integers(0, 100, (len(labels), 4, 4, 1)).astype(np.uint8)
    images.reshape(len(labels), 16)[np.arange(len(labels)), labels] = 250
    return images


def test_the_supervised_classifier_sees_the_labelled_images_alone(monkeypatch):
    accuracy_of = runpy.run_path(str(STUDY / "supervised.py"))["accuracy_of"]
    labels, test = np.arange(200) % 4, np.arange(80) % 4
    train = Split(images_of(labels, 0), labels)
    dataset = Dataset(
        "tiny", train, Split(images_of(test, 1), test), fingerprint_of(train.images), tuple("abcd"), "a test"
    )
    assert dataset.form == Form((4, 4, 1), 4)
    config = tiny_config(
        generator=[{"Dense": {"units": 16}}, {"Reshape": {"target_shape": [4, 4, 1]}}],
        discriminator=["Flatten", {"Dense": {"units": 5}}],
        optimizer={"Adam": {"learning_rate": 0.05}},
        labels="semi_supervised",
        data={"name": "digits", "labelled": 40},
        train={"steps": 60, "batch_size": 20},
        backend=keras.backend.backend(),
    )
    assert accuracy_of(config, dataset) > 0.9
    # Wrong labels of all other images change nothing.
    rows = labelled_rows(config, dataset)
    monkeypatch.setitem(accuracy_of.__globals__, "labelled_rows", lambda *_: rows)
    poisoned = np.where(np.isin(np.arange(200), rows), labels, (labels + 1) % 4)
    assert accuracy_of(config, dataclasses.replace(dataset, train=Split(train.images, poisoned))) > 0.9

from pathlib import Path

import numpy as np
import pytest

from ganlab.config.loading import load_config
from ganlab.config.schema import Form
from ganlab.errors import ConfigError
from ganlab.models.building import Models, build_models, build_network, chained
from tests.models.networks import config_of
from tests.training.tiny import tiny_config

CONFIGS = Path(__file__).parents[2] / "configs"
DIGITS = Form((8, 8, 1), 10)


def tiny(seed: int = 0, **more) -> Models:
    return build_models(tiny_config(seed=seed, **more), Form((8,)))


def test_experiment_1_has_the_parameters_of_the_published_figures():
    networks = build_models(load_config(CONFIGS / "exp01.yaml"), Form((28, 28, 1))).networks
    assert networks["generator"].model.count_params() == 1_493_520
    assert networks["discriminator"].model.count_params() == 533_505
    assert chained(networks).count_params() == 1_493_520 + 533_505


def weights(seed: int = 0, **more) -> dict[str, list[np.ndarray]]:
    networks = tiny(seed, **more).networks
    return {name: [array.copy() for array in network.model.get_weights()] for name, network in networks.items()}


def same(first, second) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_first_weights_come_from_the_seed():
    assert all(same(weights()[name], weights()[name]) for name in ("generator", "discriminator"))
    assert not same(weights()["generator"], weights(seed=1)["generator"])
    assert not same(weights()["discriminator"], weights(seed=1)["discriminator"])


def test_another_generator_leaves_the_discriminators_first_weights_as_they_were():
    other = weights(generator=[{"Dense": {"units": 30}}, {"Dense": {"units": 8}}])
    assert same(weights()["discriminator"], other["discriminator"])


def test_an_averaged_generator_starts_with_the_generators_weights_and_is_what_is_sampled():
    models = tiny(train={"ema": 0.9})
    average, generator = models.averages["generator"], models.networks["generator"]
    assert same(average.model.get_weights(), generator.model.get_weights())
    assert models.sampled is average is not generator
    plain = tiny()
    assert plain.averages == {} and plain.sampled is plain.networks["generator"]


def test_optimizers_are_built_before_the_first_step():
    for optimizer in tiny().optimizers.values():
        assert optimizer.built and len(optimizer.variables) > 2


def test_nothing_is_frozen():
    networks = tiny().networks
    chained(networks)
    for network in networks.values():
        assert network.model.trainable and len(network.trainable_variables) == len(network.variables) == 4


def test_a_generator_must_end_in_the_datas_shape():
    with pytest.raises(ConfigError) as caught:
        build_network(config_of(), "generator", Form((28, 28, 1)))
    assert str(caught.value) == (
        "c.yaml:5:32: generator.layers[1].Reshape: ends in the shape (8, 8, 1), expected (28, 28, 1): the shape of digits"
        " (last layers: generator_input (100,), dense (64,), reshape (8, 8, 1))"
    )
    assert build_network(config_of(), "generator").output_shape == (8, 8, 1)  # any shape, where the data are not known


def test_a_discriminator_must_end_in_one_number():
    with pytest.raises(ConfigError, match=r"Dense: ends in the shape \(2,\), expected \(1,\): one number an image"):
        build_models(config_of("Flatten", "Dense: {units: 2}"), DIGITS)


def test_a_network_without_labels_says_what_a_config_with_labels_needs():
    with pytest.raises(ConfigError) as caught:
        build_models(config_of("Labels", "Dense: {units: 1}"), DIGITS)
    assert str(caught.value) == (
        "c.yaml:12:7: discriminator.layers[0].Labels: needs the labels, but this config has none; expected"
        " `labels: conditional` and labelled data"
    )

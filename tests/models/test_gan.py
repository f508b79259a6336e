from pathlib import Path

import numpy as np
import pytest
from ganlab.models.gan import build_gan, build_generator

from ganlab.config.loading import load_config
from ganlab.errors import ConfigError
from tests.models.networks import config_of
from tests.training.tiny import tiny_config

CONFIGS = Path(__file__).parents[2] / "configs"


def test_experiment_1_has_the_parameters_of_the_published_figures():
    gan = build_gan(load_config(CONFIGS / "exp01.yaml"), (28, 28, 1))
    assert gan.networks["generator"].model.count_params() == 1_493_520
    assert gan.networks["discriminator"].model.count_params() == 533_505
    assert gan.stacked().count_params() == 1_493_520 + 533_505


def weights(seed: int = 0, **more):
    networks = build_gan(tiny_config(seed=seed, **more), (8,)).networks
    return {name: [array.copy() for array in model.model.get_weights()] for name, model in networks.items()}


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
    gan = build_gan(tiny_config(train={"ema": 0.9}), (8,))
    assert same(gan.average.model.get_weights(), gan.networks["generator"].model.get_weights())
    assert gan.sampled is gan.average is not gan.networks["generator"]
    plain = build_gan(tiny_config(), (8,))
    assert plain.average is None and plain.sampled is plain.networks["generator"]


def test_optimizers_are_built_before_the_first_step():
    for optimizer in build_gan(tiny_config(), (8,)).optimizers.values():
        assert optimizer.built and len(optimizer.variables) > 2


def test_nothing_is_frozen():
    gan = build_gan(tiny_config(), (8,))
    gan.stacked()
    for network in gan.networks.values():
        assert network.model.trainable and len(network.trainable_variables) == len(network.variables) == 4


def test_a_generator_must_end_in_the_datas_shape():
    with pytest.raises(ConfigError) as caught:
        build_generator(config_of(), (28, 28, 1))
    assert str(caught.value) == (
        "c.yaml:5:32: generator.layers[1].Reshape: ends in the shape (8, 8, 1), expected (28, 28, 1): the shape of digits"
        " (last layers: generator_input (100,), dense (64,), reshape (8, 8, 1))"
    )
    assert build_generator(config_of()).output_shape == (8, 8, 1)  # any shape, where the data are not known


def test_a_discriminator_must_end_in_one_number():
    with pytest.raises(ConfigError, match=r"Dense: ends in the shape \(2,\), expected \(1,\): one number an image"):
        build_gan(config_of("Flatten", "Dense: {units: 2}"), (8, 8, 1))

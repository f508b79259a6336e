"""The generator learns from a layer in the middle of the discriminator that the config names."""

import dataclasses

import numpy as np
import pytest

from ganlab.config.schema import Form
from ganlab.errors import ConfigError
from ganlab.models.building import build_models
from ganlab.objectives import build_objective
from ganlab.training.draws import Draws
from tests.training.tiny import BACKEND, IMAGES, SGD, Tiny, tiny_config

CONFIG = {
    "generator": [{"Dense": {"units": 8, "use_bias": False}}],
    "discriminator": [{"Dense": {"units": 6, "use_bias": False, "name": "middle"}}, {"Dense": {"units": 1}}],
    "optimizer": SGD,
}


def build(layer: str, features: tuple[str, ...], jit: bool = False, **train) -> Tiny:
    config = tiny_config(**CONFIG, loss={"feature_matching": {"layer": layer}}, train=train)
    models = build_models(config, Form((8,)))
    # Layers that a config names are the features of its networks.
    named = dataclasses.replace(models.networks["discriminator"], features=features)
    models = dataclasses.replace(models, networks=models.networks | {"discriminator": named})
    objective = build_objective(config, models, BACKEND.input_gradient)
    steps = BACKEND.Steps(objective, {"images": IMAGES}, (-1.0, 1.0), jit)
    return Tiny(config, models, objective, Draws(objective.draws, config.seed, len(IMAGES)), steps)


@pytest.mark.parametrize("jit", BACKEND.JIT)
def test_the_generator_moves_the_mean_features_of_its_images_towards_those_of_real_ones(jit):
    tiny = build("middle", ("middle",), jit)
    (kernel,) = tiny.weights("generator")
    taken = tiny.draws.take(0, 1)
    rows = tiny.train(1)
    middle = tiny.weights("discriminator")[0]  # the discriminator has moved before
    latents = taken["latents_generator_fake_0"][0].mean(axis=0)
    real = (IMAGES[taken["generator_real_0"][0]] / 127.5 - 1).mean(axis=0)
    difference = latents @ kernel @ middle - real @ middle
    assert tiny.column(rows, "g_loss")[0] == pytest.approx((difference**2).sum(), rel=1e-4)
    slope = 2 * latents[:, None] * (difference @ middle.T)[None]
    np.testing.assert_allclose(tiny.weights("generator")[0], kernel - 0.1 * slope, atol=1e-5)


def test_with_shared_latents_it_compares_with_the_real_images_of_the_last_turn():
    tiny = build("middle", ("middle",), share_latents=True, discriminator_steps=2)
    (kernel,) = tiny.weights("generator")
    taken = tiny.draws.take(0, 1)
    rows = tiny.train(1)
    middle = tiny.weights("discriminator")[0]
    real = (IMAGES[taken["real_1"][0]] / 127.5 - 1).mean(axis=0)
    difference = (taken["latents_fake_1"][0].mean(axis=0) @ kernel - real) @ middle
    assert tiny.column(rows, "g_loss")[0] == pytest.approx((difference**2).sum(), rel=1e-4)


@pytest.mark.parametrize(("features", "named"), [(("middle", "last"), "middle, last"), ((), "no layer")])
def test_a_layer_that_no_one_named_is_an_error_that_lists_those_with_names(features, named):
    with pytest.raises(ConfigError) as caught:
        build("nowhere", features)
    message = f"no layer of the discriminator has this name; named there: {named}"
    assert str(caught.value) == f"tiny: loss.feature_matching.layer: {message}"

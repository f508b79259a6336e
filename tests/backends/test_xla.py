"""Steps tuned for XLA on a CPU train to the same numbers as XLA's own and as the plain ones."""

import keras
import numpy as np
import pytest

from tests.backends import families
from tests.training.tiny import ADAM, BACKEND, SGD, build, tiny_config

if keras.backend.backend() != "tensorflow":
    pytest.skip("TensorFlow's XLA steps", allow_module_level=True)

from ganlab.backends import xla

STEPS = 6
DENSE_FAMILIES = (
    "LSGAN",
    "WGAN",
    "WGAN-GP",
    "DRAGAN",
    "moving average",
    "spectral normalization",
    "regularizers",
    "regularizers without shared latents",
    "constraints",
    "bfloat16",
)
TOLERANCE = {"bfloat16": 2e-2}


def trained(config, jit=True, tunings=BACKEND.TUNINGS):
    tiny = build(config)
    tiny.steps = BACKEND.Steps(tiny.objective, families.IMAGES, (-1.0, 1.0), jit, tunings)
    return {"rows": tiny.train(STEPS)} | tiny.snapshot()


def require_same(found, expected, tolerance=2e-5):
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-4, atol=tolerance, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("family", DENSE_FAMILIES)
def test_tuned_steps_train_as_plain_ones(family):
    config = tiny_config(**({"optimizer": ADAM} | families.FAMILIES[family]))
    require_same(trained(config), trained(config, jit=False), TOLERANCE.get(family, 2e-5))


@pytest.mark.parametrize("tuning", BACKEND.TUNINGS)
def test_each_tuning_alone_trains_as_xla_without_it(tuning):
    config = tiny_config(**families.DENSE, train={"share_latents": True})
    require_same(trained(config, tunings=(tuning,)), trained(config, tunings=()))


def test_layers_that_are_not_plain_dense_ones_stay():
    layers = [
        {"Dense": {"units": 4}},
        {"Dense": {"units": 4, "activity_regularizer": families.L2}},
        {"Reshape": {"target_shape": [2, 2]}},
        {"Dense": {"units": 3}},
        "Flatten",
        {"Dense": {"units": 1}},
    ]
    objective = build(tiny_config(discriminator=layers, optimizer=SGD)).objective
    tuned = [type(layer).__name__ for layer in xla.tune_dense(objective).called("discriminator").layers[1:]]
    first, *between, last = tuned
    assert first == last == "DenseOfKernelFirst" and "DenseOfKernelFirst" not in between


def test_a_tuned_network_has_the_variables_and_outputs_of_the_plain_one():
    objective = build(tiny_config(**families.DENSE)).objective
    plain, tuned = objective.networks["generator"], xla.tune_dense(objective).called("generator")
    assert [id(v) for v in tuned.variables] == [id(v) for v in plain.variables]
    latents = np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32)
    np.testing.assert_allclose(tuned(latents).numpy(), plain(latents).numpy(), rtol=1e-6)


@pytest.mark.parametrize(("jit", "tunings"), [(True, ("dense",)), (True, ("adam",)), (False, BACKEND.TUNINGS)])
def test_only_steps_that_xla_compiles_have_other_dense_layers(jit, tunings):
    tiny = build(tiny_config())
    steps = BACKEND.Steps(tiny.objective, families.IMAGES, (-1.0, 1.0), jit, tunings)
    called = [type(layer) for name in tiny.gan.networks for layer in steps.objective.called(name).layers[1:]]
    assert called == 4 * [xla.DenseOfKernelFirst if jit and "dense" in tunings else keras.layers.Dense]


def test_dense_networks_with_much_to_train_are_compiled_and_convolutions_are_not():
    layers = [{"Reshape": {"target_shape": [2, 4, 1]}}, {"Conv2D": {"filters": 1, "kernel_size": 2}}, "Flatten"]
    dense, mixed = build(tiny_config()), build(tiny_config(discriminator=[*layers, {"Dense": {"units": 1}}]))
    for steps, tiny, known in ((10**12, dense, True), (1000, dense, None), (10**15, mixed, False), (1, mixed, False)):
        assert BACKEND.known_jit(tiny.objective, steps) is known

"""Steps tuned for XLA on a CPU train to the same numbers as XLA's own and as the plain ones."""

import keras
import numpy as np
import pytest

from tests.training.steps import families
from tests.training.tiny import ADAM, BACKEND, SGD, build, tiny_config

if keras.backend.backend() != "tensorflow":
    pytest.skip("TensorFlow's XLA steps", allow_module_level=True)

import tensorflow as tf

from ganlab.training.steps import xla

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


def trained(config, jit=True, tunings=xla.TUNINGS):
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


@pytest.mark.parametrize("tuning", xla.TUNINGS)
def test_each_tuning_alone_trains_as_xla_without_it(tuning):
    config = tiny_config(**families.DENSE, train={"share_latents": True})
    require_same(trained(config, tunings=(tuning,)), trained(config, tunings=()))


@pytest.mark.parametrize("kind", ["Adam", "AdamW"])
def test_one_update_of_adam_is_keras_own(kind):
    numbers = np.random.default_rng(0)
    start, gradients = (numbers.standard_normal((2, 3, 4)).astype(np.float32) for _ in range(2))
    schedule = keras.optimizers.schedules.ExponentialDecay(0.01, 2, 0.5)
    ends = []
    for tuned in (False, True):
        weights = [keras.Variable(start[0]), keras.Variable(start[1])]
        optimizer = getattr(keras.optimizers, kind)(schedule, beta_1=0.5, clipnorm=1.0)
        optimizer.build(weights)
        for scale in (1.0, 1e-3, -5.0):
            slopes = [tf.constant(scale * gradient) for gradient in gradients]
            if tuned:
                with xla.adam_in_one_pass(optimizer):
                    optimizer.apply(slopes, weights)
            else:
                optimizer.apply(slopes, weights)
        ends.append([v.numpy() for v in (*weights, *optimizer.variables)])
    for theirs, ours in zip(*ends, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize("optimizer", [keras.optimizers.SGD(), keras.optimizers.Adam(amsgrad=True)])
def test_other_optimizers_keep_their_update(optimizer):
    before = optimizer.update_step
    with xla.adam_in_one_pass(optimizer):
        assert optimizer.update_step == before


def test_the_update_of_adam_is_its_own_again_afterwards():
    optimizer = keras.optimizers.Adam()
    with pytest.raises(ZeroDivisionError), xla.adam_in_one_pass(optimizer):
        assert "update_step" in vars(optimizer)
        raise ZeroDivisionError
    assert "update_step" not in vars(optimizer)


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


@pytest.mark.parametrize(("jit", "tunings"), [(True, ("dense",)), (True, ("adam",)), (True, ()), (False, xla.TUNINGS)])
def test_only_steps_that_xla_compiles_are_tuned(monkeypatch, jit, tunings):
    moved, adam_step = [], xla._adam_step
    monkeypatch.setattr(xla, "_adam_step", lambda *words: moved.append(words[2].name) or adam_step(*words))
    tiny = build(tiny_config(optimizer=ADAM))
    tiny.steps = BACKEND.Steps(tiny.objective, families.IMAGES, (-1.0, 1.0), jit, tunings)
    tiny.train(1)
    assert len(moved) == (8 if jit and "adam" in tunings else 0)  # kernel and bias of four layers, traced once
    called = [type(layer) for name in tiny.gan.networks for layer in tiny.steps.objective.called(name).layers[1:]]
    assert called == 4 * [xla.DenseOfKernelFirst if jit and "dense" in tunings else keras.layers.Dense]


def test_dense_networks_with_much_to_train_are_surely_faster_and_others_may_be():
    layers = [{"Reshape": {"target_shape": [2, 4, 1]}}, {"Conv2D": {"filters": 1, "kernel_size": 2}}, "Flatten"]
    dense, mixed = build(tiny_config()), build(tiny_config(discriminator=[*layers, {"Dense": {"units": 1}}]))
    for steps, tiny, sure in ((10**12, dense, True), (1000, dense, False), (10**15, mixed, False)):
        assert BACKEND.is_surely_faster_compiled(tiny.objective, steps) is sure

"""Adam in one pass moves weights as Keras' Adam does, with XLA and without."""

import keras
import numpy as np
import pytest

from tests.backends import families
from tests.backends.adam_updates import require_close, weights_and_moments
from tests.training.tiny import ADAM, BACKEND, build, tiny_config

if keras.backend.backend() != "tensorflow":
    pytest.skip("TensorFlow's steps", allow_module_level=True)

from ganlab.backends import adam
from ganlab.backends.steps import adam_replaced

UPDATES = {"by operation": adam.by_operation, "for XLA": adam.for_xla}
STEPS = 6
# Those in which the update itself, or what it is given, differs.
DENSE_FAMILIES = (
    "LSGAN",  # a schedule
    "WGAN-GP",
    "moving average",
    "spectral normalization",
    "constraints",
    "bfloat16",
)
COMPILED_FAMILIES = ("LSGAN", "moving average", "constraints", "bfloat16")
TOLERANCE = {"bfloat16": 2e-2}


def config_of(family):
    """Each with Adam, whatever the family's own optimizer is."""
    own = families.FAMILIES[family]
    return tiny_config(**(own if "Adam" in own.get("optimizer", {}) else own | {"optimizer": ADAM}))


def trained(config, jit, tune_adam=True):
    tiny = build(config)
    tiny.steps = BACKEND.Steps(tiny.objective, {"images": families.IMAGES}, (-1.0, 1.0), jit, tune_adam)
    return {"rows": tiny.train(STEPS)} | tiny.snapshot()


def require_same(found, expected, tolerance=2e-5):
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-4, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("family", DENSE_FAMILIES)
def test_steps_without_xla_train_as_with_keras_own_adam(family):
    config = config_of(family)
    require_same(trained(config, False), trained(config, False, tune_adam=False), TOLERANCE.get(family, 2e-5))


@pytest.mark.slow
@pytest.mark.parametrize("family", COMPILED_FAMILIES)
def test_steps_that_xla_compiles_train_as_plain_ones(family):
    config = config_of(family)
    require_same(trained(config, True), trained(config, False), TOLERANCE.get(family, 2e-5))


def test_steps_that_xla_compiles_train_as_with_keras_own_adam():
    config = tiny_config(**families.DENSE, train={"share_latents": True})
    require_same(trained(config, True), trained(config, True, tune_adam=False))


@pytest.mark.parametrize("step", UPDATES)
@pytest.mark.parametrize("kind", ["Adam", "AdamW"])
def test_updates_are_keras_own(step, kind):
    require_close(
        weights_and_moments(kind, lambda it: adam_replaced(it, "update_step", UPDATES[step])), weights_and_moments(kind)
    )


@pytest.mark.parametrize("optimizer", [keras.optimizers.SGD(), keras.optimizers.Adam(amsgrad=True)])
def test_other_optimizers_keep_their_update(optimizer):
    before = optimizer.update_step
    with adam_replaced(optimizer, "update_step", adam.by_operation):
        assert optimizer.update_step == before


def test_the_update_is_keras_own_again_afterwards():
    optimizer = keras.optimizers.Adam()
    with pytest.raises(ZeroDivisionError), adam_replaced(optimizer, "update_step", adam.by_operation):
        assert "update_step" in vars(optimizer)
        raise ZeroDivisionError
    assert "update_step" not in vars(optimizer)


@pytest.mark.parametrize(
    ("jit", "tune_adam", "used"),
    [(True, True, "for_xla"), (False, True, "by_operation"), (True, False, None), (False, False, None)],
)
def test_steps_use_the_one_for_their_form(monkeypatch, jit, tune_adam, used):
    moved = []
    for name in ("for_xla", "by_operation"):
        step = getattr(adam, name)
        monkeypatch.setattr(adam, name, lambda *words, name=name, step=step: moved.append(name) or step(*words))
    tiny = build(tiny_config(optimizer=ADAM))
    tiny.steps = BACKEND.Steps(tiny.objective, {"images": families.IMAGES}, (-1.0, 1.0), jit, tune_adam)
    tiny.train(1)
    assert moved == (8 * [used] if used else [])  # kernel and bias of four layers, traced once

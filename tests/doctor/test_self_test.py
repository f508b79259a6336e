"""The self-test's GAN, on Keras' CPU: its losses move, and a fault in any part of it moves them beyond the tolerance."""

import functools

import keras
import numpy as np
import pytest

from ganlab.doctor import self_test
from ganlab.doctor.backends import TOLERANCE

BACKEND = keras.backend.backend()


def losses() -> np.ndarray:
    return self_test.losses(BACKEND, "cpu:0")


@pytest.fixture(scope="module")
def right() -> np.ndarray:
    return losses()


def share(received: np.ndarray, expected: np.ndarray) -> float:
    return np.abs(received - expected).max() / np.abs(expected).max()


def test_the_losses_are_finite_and_move(right):
    assert right.shape == (self_test.STEPS, 2) and np.isfinite(right).all()
    assert np.ptp(right, axis=0).min() > 10 * TOLERANCE * right.max()


def test_they_are_the_same_every_time(right):
    assert share(losses(), right) < TOLERANCE / 100


@pytest.mark.parametrize("layer", ["Dense", "Conv2D", "Conv2DTranspose", "BatchNormalization"])
def test_a_layer_that_computes_wrongly_by_a_tenth_is_found(monkeypatch, right, layer):
    from ganlab.models.layers import LAYERS

    kind = LAYERS.get(layer, getattr(keras.layers, layer))
    call = kind.call
    monkeypatch.setattr(kind, "call", functools.wraps(call)(lambda *args, **more: 1.1 * call(*args, **more)))
    assert share(losses(), right) > TOLERANCE


def test_an_update_that_is_too_small_by_a_tenth_is_found(monkeypatch, right):
    monkeypatch.setitem(self_test._ADAM["Adam"], "learning_rate", 0.9 * self_test._ADAM["Adam"]["learning_rate"])
    assert share(losses(), right) > TOLERANCE


def test_matrices_multiplied_with_eleven_bits_of_mantissa_are_no_fault(monkeypatch, right):
    """As NVIDIA's cards do with TF32."""

    def rounded(array):
        return array + keras.ops.stop_gradient(keras.ops.cast(keras.ops.cast(array, "float16"), "float32") - array)

    for layer in (keras.layers.Dense, keras.layers.Conv2D, keras.layers.Conv2DTranspose):
        call = layer.call
        wrapped = functools.wraps(call)(lambda self, inputs, call=call, **more: call(self, rounded(inputs), **more))
        monkeypatch.setattr(layer, "call", wrapped)
    assert 0 < share(losses(), right) < TOLERANCE / 4

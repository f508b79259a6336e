"""Regularizers in TensorFlow's steps, held against an independent loop of gradient tapes.

tests/oracle holds everything else against NumPy. The other backends are held against TensorFlow in test_parity.py.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.training.tiny import IMAGES, SGD, build, tiny_config

if keras.backend.backend() != "tensorflow":
    pytest.skip("the loops are written with TensorFlow's gradient tapes", allow_module_level=True)


def cross_entropy(logits, target):
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(tf.fill(tf.shape(logits), target), logits))


class Plain:
    """The same training as an independent loop of gradient tapes, a step at a time."""

    def __init__(self, config):
        other = build(config)
        self.generator, self.discriminator = (
            other.models.networks[name].model for name in ("generator", "discriminator")
        )
        self.optimizers, self.draws = other.models.optimizers, other.draws

    def update(self, name, loss):
        network = getattr(self, name)
        with tf.GradientTape() as tape:
            value = loss()
        self.optimizers[name].apply_gradients(
            zip(tape.gradient(value, network.trainable_weights), network.trainable_weights, strict=True)
        )
        return float(value)

    def real(self, step, turn):
        return IMAGES[self.draws.take(step, 1)[f"real_{turn}"][0]].astype(np.float32) / 127.5 - 1

    def fake(self, step, name):
        return self.generator(self.draws.take(step, 1)[f"latents_{name}"][0])

    def train_discriminator(self):
        real, fake = self.real(0, 0), tf.stop_gradient(self.fake(0, "fake_0"))
        self.update(
            "discriminator",
            lambda: cross_entropy(self.discriminator(real), 1.0) + cross_entropy(self.discriminator(fake), 0.0),
        )


REGULARIZED = {"kernel_regularizer": {"L2": {"l2": 0.5}}}
ACTIVE = {"activity_regularizer": {"L2": {"l2": 0.5}}}


class TestRegularizers:
    @pytest.mark.parametrize(
        ("regularizer", "shared"),
        [(REGULARIZED, False), (ACTIVE, False), (ACTIVE, True)],
        ids=["of weights", "of outputs", "of outputs, shared latents"],
    )
    def test_of_the_generator_add_their_gradient(self, regularizer, shared):
        config = tiny_config(
            generator=[{"Dense": {"units": 8, **regularizer}}], optimizer=SGD, train={"share_latents": shared}
        )
        tiny, plain = build(config), Plain(config)
        tiny.train(1)
        plain.train_discriminator()
        name = "fake_0" if shared else "generator_fake_0"

        def loss():
            logits = plain.discriminator(plain.fake(0, name))
            return cross_entropy(logits, 1.0) + sum(plain.generator.losses)

        plain.update("generator", loss)
        for ours, theirs in zip(tiny.weights("generator"), plain.generator.get_weights(), strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-6)

    def test_of_the_discriminator_add_their_gradient(self):
        first = tiny_config(discriminator=[{"Dense": {"units": 1}}], optimizer=SGD)
        second = tiny_config(discriminator=[{"Dense": {"units": 1, **REGULARIZED}}], optimizer=SGD)
        without, with_it = build(first), build(second)
        kernel = without.weights("discriminator")[0]
        without.train(1), with_it.train(1)
        # 0.5 w^2 has the slope w, and SGD moves 0.1 times the slope
        expected = without.weights("discriminator")[0] - 0.1 * kernel
        np.testing.assert_allclose(with_it.weights("discriminator")[0], expected, atol=1e-6)

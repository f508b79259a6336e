"""What TensorFlow's steps compute beside an independent loop of gradient tapes.

The other backends are held against TensorFlow in test_parity.py.
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

    def train_discriminator(self, step, batches, turn=0):
        real, fake = self.real(step, turn), tf.stop_gradient(self.fake(step, f"fake_{turn}"))
        if batches == "alternate":
            first = self.update("discriminator", lambda: cross_entropy(self.discriminator(real), 1.0))
            return first + self.update("discriminator", lambda: cross_entropy(self.discriminator(fake), 0.0))
        return self.update(
            "discriminator",
            lambda: cross_entropy(self.discriminator(real), 1.0) + cross_entropy(self.discriminator(fake), 0.0),
        )

    def train_generator(self, step, name="generator_fake_0"):
        return self.update("generator", lambda: cross_entropy(self.discriminator(self.fake(step, name)), 1.0))


class TestAgainstPlainLoops:
    @pytest.mark.parametrize(
        ("batches", "shared", "optimizer"),
        [
            ("separate", False, SGD),
            ("separate", True, SGD),
            ("separate", True, {"Adam": {"learning_rate": 1e-3, "beta_1": 0.5}}),
            ("alternate", False, SGD),
            ("alternate", True, SGD),
            ("joint", False, SGD),
            ("joint", True, SGD),
        ],
    )
    def test_weights_and_losses_agree(self, batches, shared, optimizer):
        train = {"discriminator_batches": batches, "share_latents": shared}
        config = tiny_config(optimizer=optimizer, train=train)
        tiny, plain = build(config), Plain(config)
        rows = tiny.train(3)
        for step, row in enumerate(rows):
            d_loss = plain.train_discriminator(step, batches)
            g_loss = plain.train_generator(step, "fake_0" if shared else "generator_fake_0")
            np.testing.assert_allclose(row[:2], [d_loss, g_loss], atol=1e-6)
        for name in ("generator", "discriminator"):
            for ours, theirs in zip(tiny.weights(name), getattr(plain, name).get_weights(), strict=True):
                np.testing.assert_allclose(ours, theirs, atol=1e-6)

    def test_several_updates_a_step_agree(self):
        config = tiny_config(optimizer=SGD, train={"discriminator_steps": 3, "generator_steps": 2})
        tiny, plain = build(config), Plain(config)
        (row,) = tiny.train(1)
        d_losses = [plain.train_discriminator(0, "separate", turn) for turn in range(3)]
        g_losses = [plain.train_generator(0, f"generator_fake_{turn}") for turn in range(2)]
        np.testing.assert_allclose(row[:2], [np.mean(d_losses), np.mean(g_losses)], atol=1e-6)
        for name in ("generator", "discriminator"):
            for ours, theirs in zip(tiny.weights(name), getattr(plain, name).get_weights(), strict=True):
                np.testing.assert_allclose(ours, theirs, atol=1e-6)


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
        plain.train_discriminator(0, "separate")
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

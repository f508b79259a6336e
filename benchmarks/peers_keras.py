"""What users would write in Keras: a custom train_step under fit(), and the older two compiled models and train_on_batch."""

import keras
import numpy as np
import tensorflow as tf

from ganlab.config.schema import Config
from ganlab.training.losses import LOSSES, Judged


class KerasGan(keras.Model):
    """The usual custom train_step, with the same updates as ganlab's `alternate`: real batch, generated batch, generator."""

    def __init__(self, config: Config, networks: dict, optimizers: dict):
        super().__init__()
        self.generator, self.discriminator = networks["generator"], networks["discriminator"]
        self.g_optimizer, self.d_optimizer = optimizers["generator"], optimizers["discriminator"]
        self.config, self.gan_loss = config, LOSSES[config.loss.name]

    def _judge(self, images, target=None):
        return Judged(self.discriminator(images, training=True), target)

    def _update(self, model, optimizer, loss):
        with tf.GradientTape() as tape:
            value = loss()
        gradients = tape.gradient(value, model.trainable_weights)
        optimizer.apply_gradients(zip(gradients, model.trainable_weights, strict=True))
        return value

    def train_step(self, real_images):
        if isinstance(real_images, tuple):
            real_images = real_images[0]
        size, dim = tf.shape(real_images)[0], self.config.latent.dim
        real_loss = fake_loss = 0.0
        for _ in range(self.config.train.discriminator_steps):
            latents = tf.random.normal((size, dim))
            fake_images = self.generator(latents, training=True)
            real_loss = self._update(
                self.discriminator,
                self.d_optimizer,
                lambda: self.gan_loss.real(self._judge(real_images, 1.0)),
            )
            fake_loss = self._update(
                self.discriminator,
                self.d_optimizer,
                lambda fake_images=fake_images: self.gan_loss.fake(self._judge(fake_images, 0.0)),
            )
            if self.config.clip_weights:
                limit = self.config.clip_weights
                for weight in self.discriminator.trainable_weights:
                    weight.assign(tf.clip_by_value(weight, -limit, limit))
        if not self.config.train.share_latents:
            latents = tf.random.normal((size, dim))
        g_loss = self._update(
            self.generator,
            self.g_optimizer,
            lambda: self.gan_loss.generator(None, self._judge(self.generator(latents, training=True))),
        )
        return {"d_loss": real_loss + fake_loss, "g_loss": g_loss}


class FitPeer:
    """Steps of fit() on a tf.data pipeline of float images; `compile_options` are those of Model.compile."""

    def __init__(self, config: Config, networks: dict, optimizers: dict, images: np.ndarray, **compile_options):
        self.model = KerasGan(config, networks, optimizers)
        self.model.compile(**compile_options)
        self.quantum = compile_options.get("steps_per_execution", 1)
        scaled = images.astype(np.float32) / 127.5 - 1.0
        data = tf.data.Dataset.from_tensor_slices(scaled).shuffle(10_000).repeat()
        self.data = data.batch(config.train.batch_size, drop_remainder=True).prefetch(tf.data.AUTOTUNE)

    def run(self, steps: int) -> None:
        self.model.fit(self.data, steps_per_epoch=steps, epochs=1, verbose=0)


def _wasserstein(targets, outputs):
    return keras.ops.mean(targets * outputs)


# A loss of (targets, outputs), and the targets of real and of generated images.
_TARGETS = {
    "non_saturating": (keras.losses.BinaryCrossentropy(from_logits=True), 1.0, 0.0),
    "least_squares": ("mse", 1.0, 0.0),
    "wasserstein": (_wasserstein, -1.0, 1.0),
}


class TrainOnBatchPeer:
    """A compiled discriminator, and a compiled stack of generator and frozen discriminator, as tutorials had it before Keras 3.

    In Keras 3 `trainable = False` freezes the discriminator compiled earlier, too. What a compiled model trains is decided when
    its first batch is traced, so it is unfrozen for its own first batch and frozen for the stack's.
    """

    def __init__(self, config: Config, networks: dict, optimizers: dict, images: np.ndarray):
        self.config, self.generator, self.discriminator = config, networks["generator"], networks["discriminator"]
        self.images = images.astype(np.float32) / 127.5 - 1.0
        loss, self.real_target, self.fake_target = _TARGETS[config.loss.name]
        self.discriminator.compile(loss=loss, optimizer=optimizers["discriminator"])
        latents = keras.Input((config.latent.dim,))
        self.stack = keras.Model(latents, self.discriminator(self.generator(latents)))
        self.stack.compile(loss=loss, optimizer=optimizers["generator"])
        self.random = np.random.default_rng(0)
        size = config.train.batch_size
        self.real_targets = np.full((size, 1), self.real_target, np.float32)
        self.fake_targets = np.full((size, 1), self.fake_target, np.float32)
        self._trace()

    def _trace(self) -> None:
        first = self.discriminator.get_weights()[0]
        self._train_discriminator(self._latents())
        moved = self.discriminator.get_weights()[0]
        self.discriminator.trainable = False
        self.stack.train_on_batch(self._latents(), self.real_targets)
        self.discriminator.trainable = True
        if np.array_equal(first, moved) or not np.array_equal(moved, self.discriminator.get_weights()[0]):
            raise AssertionError("the discriminator must move in its own updates, and only there")

    def _latents(self) -> np.ndarray:
        shape = (self.config.train.batch_size, self.config.latent.dim)
        return self.random.standard_normal(shape, dtype=np.float32)

    def _train_discriminator(self, latents: np.ndarray) -> None:
        real_images = self.images[self.random.integers(0, len(self.images), len(latents))]
        fake_images = self.generator.predict_on_batch(latents)
        for images, targets in ((real_images, self.real_targets), (fake_images, self.fake_targets)):
            self.discriminator.train_on_batch(images, targets)
            if self.config.clip_weights:
                limit = self.config.clip_weights
                for variable in self.discriminator.trainable_variables:
                    variable.assign(keras.ops.clip(variable, -limit, limit))

    def run(self, steps: int) -> None:
        for _ in range(steps):
            for _ in range(self.config.train.discriminator_steps):
                latents = self._latents()
                self._train_discriminator(latents)
            if not self.config.train.share_latents:
                latents = self._latents()
            self.stack.train_on_batch(latents, self.real_targets)
